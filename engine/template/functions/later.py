"""Functions that a version of the language knows and this engine does not yet, or that a version has dropped.

`dialects` refuses them by name: read as data, as an unknown name is, they would silently do the wrong thing.
A function leaves the first table when its module learns it; a test tells if it stands in both.
"""

from __future__ import annotations

from typing import Final

NOT_YET: Final[dict[str, str]] = {  # name → first version that has it
    "resource_facade": "2013-05-23",
    "digest": "2015-04-30",
    "str_split": "2015-10-15",
    "map_merge": "2016-04-08",
    "map_replace": "2016-10-14",
    "yaql": "2016-10-14",
    "filter": "2017-02-24",
    "str_replace_strict": "2017-02-24",
    "str_replace_vstrict": "2017-09-01",
    "make_url": "2017-09-01",
    "list_concat": "2017-09-01",
    "list_concat_unique": "2017-09-01",
    "contains": "2017-09-01",
}
NOT_YET_IN_CONDITIONS: Final = {"yaql": "2017-09-01", "contains": "2017-09-01"}
LAST_VERSION: Final[dict[str, str]] = {  # name of a CloudFormation function → last HOT version that has it
    "Ref": "2013-05-23",
    "Fn::GetAZs": "2013-05-23",
    "Fn::Join": "2013-05-23",
    "Fn::Split": "2013-05-23",
    "Fn::Replace": "2013-05-23",
    "Fn::Base64": "2013-05-23",
    "Fn::MemberListToMap": "2013-05-23",
    "Fn::ResourceFacade": "2013-05-23",
    "Fn::Select": "2015-04-30",
}
