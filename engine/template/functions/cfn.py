"""The functions of CloudFormation templates: Ref and all that begin with Fn:: (templates.md §5.3, §7).

Where HOT has the same function under another name, that one does the work here too. The first version of HOT
has most of them as well; the later ones refuse them by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any, Final, NoReturn

from engine.model.errors import Code
from engine.model.problems import Path
from engine.schema import types
from engine.schema.types import UNKNOWN, BadValue
from engine.template import expressions, source
from engine.template.expressions import BadArgument, Call, Choice, Expr, Function, Literal, NoSuchParameter, Scope
from engine.template.functions import conditions, facades, growth, references, strings
from engine.template.intrinsics import AWS, BOTH_CFN, function, list_of
from engine.template.reader import Reader

_FIRST: Final = "2013-05-23"  # the only version of HOT that has these functions
_LAST_SELECT: Final = "2015-04-30"  # the last version of HOT that has Fn::Select
_KEYS_SHOWN: Final = 8  # in a message
_FACADE_PARTS: Final[Mapping[str, str]] = {
    "Metadata": "metadata",
    "DeletionPolicy": "deletion_policy",
    "UpdatePolicy": "update_policy",
}
_MEMBER: Final = re.compile(r"\.member\.([0-9]+)\.?(.*)", re.DOTALL)


@function("Ref", until=_FIRST, cfn=BOTH_CFN, sees_unknown=True)
def ref(arguments: Any, scope: Scope) -> Any:
    """Yield the reference id of a resource, or the value of a parameter."""
    name = _referred(arguments)
    if scope.has_resource(name):
        return scope.reference_id(name)
    try:
        value = scope.parameter(name)
    except NoSuchParameter as error:
        _refuse_name(name, scope, str(error))
    growth.read(value, scope)
    return value


@function("Ref", since=None, cfn=AWS, in_cfn_conditions=True, only_in_conditions=True)
def ref_parameter(arguments: Any, scope: Scope) -> Any:
    """Yield the value of a parameter; a condition sees no resource."""
    try:
        value = scope.parameter(_referred(arguments))
    except NoSuchParameter as error:
        raise BadArgument(str(error), Code.INVALID_TEMPLATE_REFERENCE) from None
    growth.read(value, scope)
    return value


def _referred(name: Any) -> str:
    if name is UNKNOWN:
        text = "what is referred to has to be known before the walk; its name can't come from another resource"
        raise BadArgument(text, Code.INVALID_TEMPLATE_REFERENCE)
    if isinstance(name, str) and name:
        return name
    text = f"{types.shown(name)} has to be the name of a resource or of a parameter"
    raise BadArgument(text, Code.INVALID_TEMPLATE_REFERENCE)


def _refuse_name(name: str, scope: Scope, no_parameter: str) -> NoReturn:
    """Refuse a name that is no parameter, for the reason `no_parameter`, and no resource either."""
    try:
        scope.reference_id(name)
    except BadArgument as error:
        first = str(error)
    else:
        first = f'there is no resource "{name}"'
    end = "" if first.endswith("?") else "."
    raise BadArgument(f"{first}{end} And {no_parameter}", Code.INVALID_TEMPLATE_REFERENCE)


def _attribute_form(argument: Expr) -> str | None:
    wrong = list_of(2, 2)(argument)
    if wrong is None:
        return None
    text = argument.value if isinstance(argument, Literal) else None
    resource, dot, attribute = text.partition(".") if isinstance(text, str) else ("", "", "")
    wanted = [resource, attribute] if dot else ["resource", "attribute"]
    return f"{wrong}; write {types.shown(wanted)}"


@function("Fn::GetAtt", since=None, cfn=BOTH_CFN, sees_unknown=True, shape=_attribute_form)
def get_att(arguments: Any, scope: Scope) -> Any:
    """Yield an attribute of a resource."""
    return references.get_attr_then_select.evaluate(arguments, scope)


@function("Fn::Select", until=_LAST_SELECT, cfn=BOTH_CFN, shape=list_of(2, 2))
def select(arguments: Any, scope: Scope) -> Any:
    """Yield an item of a list by its index, or an entry of a map by its key."""
    index, collection = arguments
    if collection is None or collection == "":  # what other functions yield for a value that is not there yet
        return ""
    if isinstance(collection, str):
        collection = _from_json(collection, scope)
        if collection is None:
            return ""
    if isinstance(collection, Mapping):
        if not isinstance(index, str):
            raise BadArgument(f"the key of a map has to be a string, and is {types.shown(index)}")
        return collection.get(index, "")
    if not isinstance(collection, list):
        raise BadArgument(f"{types.shown(collection)} has to be a list, a map, or JSON text of one")
    position = _index(index)
    return collection[position] if -len(collection) <= position < len(collection) else ""


def _index(value: Any) -> int:
    try:
        return int(value)
    except (ValueError, TypeError, OverflowError):
        raise BadArgument(f"the index of a list has to be a whole number, and is {types.shown(value)}") from None


def _from_json(text: str, scope: Scope) -> Any:
    scope.spend(len(text))
    try:
        value = source.from_json(text)
    except BadValue as error:
        raise BadArgument(str(error)) from None
    values, _ = growth.measure(value)
    scope.spend(growth.VALUE * values)
    return value


@function("Fn::Join", until=_FIRST, cfn=BOTH_CFN, shape=list_of(2, 2))
def join(arguments: Any, scope: Scope) -> Any:
    """Join a list of strings with a delimiter."""
    return strings.list_join_one.evaluate(arguments, scope)


def _delimiter_and_text(argument: Expr) -> str | None:
    wrong = list_of(2, 2)(argument)
    if wrong is not None:
        return wrong
    delimiter, text = expressions.as_list(argument) or ()
    if expressions.as_list(text) is not None:
        return "the second argument has to be a string, and is a list"
    if not isinstance(delimiter, Literal) or delimiter.value is UNKNOWN:
        return "the delimiter has to be written as it is; a function can't give it"
    if isinstance(delimiter.value, str) and delimiter.value:
        return None
    return f"the delimiter has to be a string that is not empty, and is {types.shown(delimiter.value)}"


@function("Fn::Split", until=_FIRST, cfn=BOTH_CFN, shape=_delimiter_and_text)
def split(arguments: Any, scope: Scope) -> list[str]:
    """Split a text at a delimiter."""
    delimiter, text = arguments
    if isinstance(text, list):  # what a CommaDelimitedList has split already: so generated templates read them
        growth.read(text, scope)
        return text
    if not isinstance(text, str):
        raise BadArgument(f"{types.shown(text)} has to be a string")
    return strings.split(delimiter, text, scope)


def _params_and_text(argument: Expr) -> str | None:
    wrong = list_of(2, 2)(argument)
    if wrong is not None:
        return wrong
    params, _ = expressions.as_list(argument) or ()
    if expressions.as_map(params) is None and not isinstance(params, Call | Choice):
        return "the first argument has to be a map of placeholders and values"
    return None


@function("Fn::Replace", until=_FIRST, cfn=BOTH_CFN, shape=_params_and_text)
def replace_text(arguments: Any, scope: Scope) -> Any:
    """Replace placeholders in a text with strings or numbers."""
    params, text = arguments
    if not isinstance(params, Mapping):
        raise BadArgument(f"the first argument has to be a map, and is {types.shown(params)}")
    if not isinstance(text, str):
        raise BadArgument(f"the second argument has to be a string, and is {types.shown(text)}")
    return strings.str_replace_scalars.evaluate({"template": text, "params": params}, scope)


@function("Fn::Base64", until=_FIRST, cfn=BOTH_CFN)
def base64(arguments: Any, _: Scope) -> str:
    """Yield a text as it is: whoever takes it encodes it."""
    if isinstance(arguments, str):
        return arguments
    raise BadArgument(f"{types.shown(arguments)} has to be a string")


@function("Fn::FindInMap", since=None, cfn=BOTH_CFN, in_cfn_conditions=True, shape=list_of(3, 3))
def find_in_map(arguments: Any, scope: Scope) -> Any:
    """Yield a value of the template's mappings, by mapping, key and name."""
    name, key, last = arguments
    if not isinstance(name, str):
        raise BadArgument(f"{types.shown(name)} has to be the name of a mapping")
    keys = scope.mapping(name)
    entries = _entry(keys, key, f'the mapping "{name}"')
    value = _entry(entries, last, f'the key {types.shown(key)} of the mapping "{name}"')
    growth.read(value, scope)
    return value


def _entry(entries: Any, key: Any, what: str) -> Any:
    if entries is UNKNOWN:  # what is wrong with the mapping was told
        return UNKNOWN
    if isinstance(key, bool) or not isinstance(key, str | int | float):
        raise BadArgument(f"{types.shown(key)} has to be a name in {what}")
    for spelt in (key, str(key)):  # a parameter may give a number where a name is meant
        if spelt in entries:
            return entries[spelt]
    known = ", ".join(map(str, islice(entries, _KEYS_SHOWN))) or "nothing"
    more = ", …" if len(entries) > _KEYS_SHOWN else ""
    raise BadArgument(f"{what} has no {types.shown(key)}; it has {known}{more}")


@function("Fn::GetAZs", until=_FIRST, cfn=BOTH_CFN, sees_unknown=True)
def get_zones(_: Any, scope: Scope) -> list[str]:
    """Yield the names of the availability zones; the argument does not matter."""
    return scope.zones()


def _names_and_list(argument: Expr) -> str | None:
    wrong = list_of(3, 3)(argument)
    if wrong is not None:
        return f"{wrong}; write [name of the key, name of the value, list]"
    for name in (expressions.as_list(argument) or ())[:2]:
        if not isinstance(name, Literal) or not isinstance(name.value, str):
            return "the names of the key and of the value have to be strings, written as they are"
    return None


@function("Fn::MemberListToMap", until=_FIRST, cfn=BOTH_CFN, shape=_names_and_list)
def member_list_to_map(arguments: Any, scope: Scope) -> dict[str, str]:
    """Make a map of a list of members such as .member.0.Name=key and .member.0.Value=value."""
    key_name, value_name, items = arguments
    if not isinstance(items, list):
        raise BadArgument(f"{types.shown(items)} has to be a list of members")
    growth.make_values(len(items), scope, each=3 * growth.VALUE)
    members: dict[str, dict[str, str]] = {}
    for item in items:
        name, value = _member(item)
        scope.spend(len(item))
        found = _MEMBER.fullmatch(name)
        if found is not None:  # what is no member is passed over
            members.setdefault(found[1].lstrip("0"), {})[found[2]] = value
    numbers = sorted(members, key=lambda digits: (len(digits), digits))
    return _pairs((members[number] for number in numbers), key_name, value_name)


def _member(item: Any) -> tuple[str, str]:
    if not isinstance(item, str):
        raise BadArgument(f"members have to be strings; {types.shown(item)} is none")
    name, sign, value = item.partition("=")
    if not sign:
        raise BadArgument(f'{types.shown(item)} is no member; write ".member.0.Name=value"')
    return name, value


def _pairs(members: Iterable[Mapping[str, str]], key_name: str, value_name: str) -> dict[str, str]:
    """Return the values by key; a member that has only one of them does not count."""
    return {one[key_name]: one[value_name] for one in members if key_name in one and value_name in one}


@function("Fn::ResourceFacade", until=_FIRST, cfn=BOTH_CFN, shape=facades.one_of(_FACADE_PARTS))
def resource_facade(arguments: Any, scope: Scope) -> Any:
    """Yield what the template around says of the resource that this template stands for."""
    return facades.read(_FACADE_PARTS[arguments], scope)


@function("Fn::If", since=None, cfn=AWS, is_macro=True)
def if_else(arguments: Any, reader: Reader, path: Path) -> Expr:
    """Yield one of two values, as a condition decides."""
    found: Expr = conditions.if_else.evaluate(arguments, reader, path)
    return found


def _in_conditions(name: str, like: Function) -> Function:
    """Return what a condition function of HOT is in CloudFormation conditions."""
    return replace(like, name=name, since=None, in_conditions_since=None, cfn=AWS, in_cfn_conditions=True)


equals: Final = _in_conditions("Fn::Equals", conditions.equals)
conjunction: Final = _in_conditions("Fn::And", conditions.conjunction)
disjunction: Final = _in_conditions("Fn::Or", conditions.disjunction)


@function(
    "Fn::Not",
    since=None,
    cfn=AWS,
    in_cfn_conditions=True,
    only_in_conditions=True,
    lazy=True,
    shape=list_of(1, 1),
)
def negation(argument: Expr, scope: Scope) -> Any:
    """Tell whether a condition does not hold."""
    (inner,) = expressions.as_list(argument) or ()
    return conditions.negation.evaluate(inner, scope)
