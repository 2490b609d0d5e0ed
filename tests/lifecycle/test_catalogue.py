"""Every row of the catalogue of functional tests has its story, or a reason why it has none here (engine.md §19)."""

from __future__ import annotations

import pytest

from kit import stories

CATALOGUE = """
create/update: create_rollback
    test_a_create_that_fails_is_rolled_back_to_nothing
create/update: update_nochange
    test_a_settled_stack_gives_an_equal_update_nothing_to_do
create/update: update_flavor_volume
    not here: needs a cloud
create/update: in_place_update
    test_update_in_place_keeps_the_rows_and_reaches_what_reads_them
create/update: update_replace
    test_a_type_says_itself_when_a_change_needs_a_new_one
create/update: add_remove
    test_05_an_update_that_shrinks_takes_away_users_first_and_touches_nothing_else
    test_06_an_update_that_extends_builds_what_is_new_and_touches_nothing_else
create/update: update_rollback
    test_an_update_that_fails_goes_back_to_the_last_complete_template
create/update: from_failed
    test_an_update_that_fails_without_rollback_stays_until_a_good_one
create/update: replace_manual_rollback
    test_whoever_goes_back_after_a_failed_replacement_finds_the_old_one
create/update: update_provider
    test_resources_come_and_go_inside
create/update: alias_type
    test_the_name_of_a_type_may_change_without_the_thing
create/update: alias_changes
    test_a_type_that_is_mapped_elsewhere_replaces_only_where_another_builds_it
create/update: provider_type
    test_another_file_for_the_same_resource_changes_what_is_inside_and_not_the_stack
create/update: provider_group, provider_group_patch
    not here: issue: groups
create/update: replacing_userdata
    not here: needs a cloud
create/update: from_failed_patch
    test_a_patch_after_a_failure_is_laid_upon_what_was_tried_last
create/update: new_env
    test_a_new_environment_brings_the_types_that_a_new_template_uses
create/update: new_version, old_version
    test_a_failed_change_of_the_template_version_can_be_updated_and_deleted
create/update: with_if_conditions, with_conditions
    test_resources_are_listed_while_an_update_switches_conditions
create/update: inplace_update_old_ref_deleted_failed_stack
    test_a_renaming_that_failed_in_what_reads_it_can_be_taken_back
create/update: failed_changed_env_list_resources
    test_after_a_failure_old_and_new_resources_are_listed
cancel: stack_cancel: an update with rollback
    test_a_cancelled_update_goes_back_and_builds_nothing_more
cancel: stack_cancel: an update without rollback, and what is in flight
    test_a_cancelled_update_that_is_not_rolled_back_stays_and_what_is_in_flight_ends
cancel: stack_cancel: a create
    test_a_cancelled_create_builds_nothing_more
cancel: cancel_update_server_with_port
    not here: needs a cloud
cancel: simultaneous_update: the older operation succeeds, fails, takes too long
    test_an_update_that_comes_during_the_create_is_done_however_that_ends
    test_an_update_that_takes_over_has_time_of_its_own
cancel: nested_preemption
    test_an_update_supersedes_what_a_nested_stack_is_still_building
cancel: delete during nested creates
    test_a_parent_that_is_deleted_while_the_nested_stack_is_being_created_takes_it_along
actions: admin_actions
    not here: needs a cloud: an administrator acts on a project with a token for it
actions: abandon_adopt
    test_what_was_abandoned_is_adopted_as_it_is
    test_only_what_a_nested_stack_was_can_be_adopted
actions: snapshot_restore
    test_a_restore_brings_back_what_was_declared_and_what_was_saved
actions: preview_update
    test_preview_of_an_update_sorts_every_resource_into_one_of_five
    test_what_a_preview_of_an_update_tells_is_what_the_update_does
    test_preview_of_an_update_tells_of_nested_resources_where_it_is_asked_to
actions: purge
    test_what_was_deleted_is_purged_beside_a_running_engine
actions: update_restricted
    test_what_the_environment_forbids_fails_the_update_and_changes_nothing
    test_what_is_not_forbidden_goes_on
groups: resource_group, resource_chain, software_deployment_group, replace_deprecated
    not here: issue: groups
scaling: autoscaling, instance_group, heat_autoscaling
    not here: issue: scaling
nested: template_resource: the environment inside
    test_the_environment_reaches_inside
nested: template_resource: a type that stands for itself
    test_a_template_may_stand_for_the_type_that_it_uses_itself
nested: template_resource: deleted from outside, then with its parent
    test_a_nested_stack_that_somebody_took_away_is_no_obstacle_to_a_delete
    test_a_nested_stack_that_was_taken_away_is_built_anew
nested: template_resource: another file
    test_another_file_for_the_same_resource_changes_what_is_inside_and_not_the_stack
nested: template_resource: what Ref is
    test_a_nested_stack_is_referred_to_by_its_arn_or_by_what_it_says
nested: template_resource: attributes
    test_a_nested_stack_is_created_updated_and_deleted_with_its_parent
    test_an_output_inside_that_has_no_value_says_so_outside
nested: template_resource: the facade's metadata and deletion policy
    test_a_nested_template_is_told_of_the_resource_it_stands_for_and_of_every_change
nested: template_resource: updates of parameters, outputs and properties
    test_what_changes_outside_or_inside_reaches_the_leaf_in_place
    test_an_update_that_changes_nothing_does_not_touch_the_nested_stack
nested: template_resource: an update after a failed create
    test_a_failed_nested_stack_is_updated_in_place_and_not_replaced
nested: template_resource: abandon and adopt
    test_what_was_abandoned_is_adopted_as_it_is
    test_a_nested_stack_that_can_not_be_adopted_fails_with_the_path_to_why
nested: template_resource: check, and a check that fails
    test_a_tree_is_suspended_resumed_and_checked_with_its_nested_stacks
    test_what_failed_its_check_deep_inside_is_replaced_there_and_nowhere_else
nested: template_resource: an error has the whole path
    test_a_failure_deep_inside_tells_the_whole_path
nested: template_resource: suspend and resume
    test_a_tree_is_suspended_resumed_and_checked_with_its_nested_stacks
nested: template_resource: what does not fit the type that it stands for
    test_a_template_that_stands_for_a_type_has_to_fit_it
nested: template_resource: a parameter more or less
    test_what_changes_outside_or_inside_reaches_the_leaf_in_place
    test_an_update_that_does_not_fit_together_is_refused_before_it_begins
nested: aws_stack
    not here: issue: the type AWS::CloudFormation::Stack
nested: nested_get_attr
    test_a_nested_stack_is_created_updated_and_deleted_with_its_parent
nested: conditions
    test_conditions_inside_follow_what_is_given_outside
    test_conditions_switch_resources_on_and_off
nested: default_parameters
    test_the_environment_reaches_inside
nested: env_merge
    test_environment_files_are_merged_in_their_order
    test_the_registry_and_the_defaults_of_an_environment_are_merged_too
nested: immutable_parameters
    test_an_immutable_parameter_may_be_given_again_and_not_changed
    test_a_parameter_of_a_nested_stack_may_be_immutable
nested: translation
    not here: needs a cloud
nested: conditional_exposure
    not here: needs a cloud
nested: template_versions
    test_versions_come_with_their_aliases
nested: validation
    test_a_nested_stack_is_told_where_it_stands_for
nested: keystone_user_with_domain, swiftsignal_update
    not here: needs a cloud
nested: versionnegotiation, reload_on_sighup
    not here: of the REST API, which is none of ours
nested: notifications
    test_every_action_is_notified_as_it_begins_and_as_it_ends
functional: encrypted_parameter
    test_a_hidden_parameter_is_stored_nowhere_in_the_clear
functional: event_sinks
    test_a_sink_gets_all_events_of_a_stack_and_of_what_is_nested_in_it_in_order
functional: external_ref: created
    test_a_thing_that_exists_is_looked_at_and_never_built_nor_taken_away
functional: external_ref: added by an update
    test_what_was_built_does_not_become_external_and_stays
functional: external_ref: updated with no change
    test_its_id_may_come_from_a_parameter_and_stays_the_same
functional: hooks: before a create
    test_a_create_stops_before_and_after_the_thing_is_built
functional: hooks: before an update that changes nothing, replaces, changes in place
    test_an_update_stops_even_if_nothing_changes
    test_an_update_that_changes_something_stops_first
functional: hooks: nested, by wildcards
    test_a_breakpoint_reaches_into_a_nested_stack
functional: os_wait_condition, waitcondition
    not here: issue: signals
functional: software_config
    not here: issue: software configuration
functional: stack_events
    test_every_change_has_its_event_newest_first
    test_nested_events_say_which_root
functional: stack_outputs
    test_outputs_come_with_their_values
    test_one_output_is_shown_and_an_unknown_one_is_not_found
    test_what_changes_outside_or_inside_reaches_the_leaf_in_place
    test_an_output_inside_that_has_no_value_says_so_outside
functional: stack_tags
    test_tags_after_an_update
    test_list_and_count_agree
functional: preview: what can be, and what can't
    test_preview_of_a_create_stores_nothing_and_shows_what_would_be
    test_preview_of_a_create_makes_the_checks_of_a_create
functional: preview: nested
    test_preview_of_a_create_shows_what_is_nested
functional: preview: groups
    not here: issue: groups
functional: remote_stack
    not here: needs another engine's cloud: the type OS::Heat::Stack
functional: resources_list: filters
    test_filters
functional: resources_list: required_by
    test_a_resource_is_described_with_its_details
functional: template_validate
    test_a_template_tells_what_it_wants
    test_nested_templates_are_told_of_when_asked
    test_a_template_that_is_not_valid_is_refused_with_every_problem
functional: templates
    test_a_template_comes_back_as_it_was_written
functional: unicode_template
    test_names_and_values_of_any_language_go_all_the_way
functional: neutron, nova, encryption_vol_type
    not here: needs a cloud
scenario: all of them
    not here: needs a cloud
api: stacks
    test_a_stack_is_shown_with_everything_about_it
    test_pages_follow_each_other
    test_a_deleted_stack_is_shown_by_its_identity
api: resources
    test_resources_of_one_stack_are_described_together
    test_a_resource_is_marked_and_the_mark_taken_away
    test_a_signal_that_cannot_be_delivered_is_refused
api: environments
    test_an_environment_hides_what_is_hidden
api: resource types
    test_types_come_sorted_and_without_the_hidden
    test_the_schema_of_a_type
api: software configurations and deployments
    not here: issue: software configuration
api: templates
    test_a_template_comes_back_as_it_was_written
    test_functions_of_a_version
"""

ROWS = stories.parsed(CATALOGUE)
THERE_ARE = stories.there_are()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.text)
def test_a_row_has_a_story_or_a_reason_why_not(row: stories.Row) -> None:
    assert bool(row.stories) != bool(row.excuse)
    assert set(row.stories) - THERE_ARE == set()


def test_no_row_stands_twice() -> None:
    assert len({row.text for row in ROWS}) == len(ROWS)
