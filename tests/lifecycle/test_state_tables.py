"""Every row of what is said of the states of stacks and of resources has its story (engine.md §2 and §3).

Where the rows say what Heat does and what is known to be wrong with it, the story tells what is right.
"""

from __future__ import annotations

import pytest

from kit import stories

STACKS = """
§2.1 reason: an action starts; an action ends well
    test_a_create_of_one_resource_tells_four_events
    test_an_action_on_one_resource_tells_four_events
    test_an_adopt_of_one_resource_tells_four_events
    test_a_restore_tells_that_it_has_begun_and_how_it_ended
§2.1 reason: a resource fails; deep inside the whole path
    test_a_failure_blocks_only_what_depends_on_it
    test_what_leads_to_nothing_new_is_not_rolled_back_when_it_fails
    test_a_failure_deep_inside_tells_the_whole_path
§2.1 reason: the time is over
    test_a_stack_that_takes_longer_than_its_timeout_fails
§2.1 reason: a plugin does not let the operation begin
    test_what_a_plugin_refuses_fails_with_its_words_and_nothing_is_done
§2.1 reason: cancelled without rollback
    test_a_cancelled_update_that_is_not_rolled_back_stays_and_what_is_in_flight_ends
§2.1 reason: the engine was restarted (we walk on)
    test_a_walk_that_was_left_in_the_middle_is_walked_on_and_builds_nothing_twice
§2.1 reason: an update of a busy stack (it takes over; others have to wait)
    test_an_update_supersedes_a_create_that_waits_for_ever
    test_an_action_has_to_wait_for_the_one_before_it_and_is_told_how_long
§2.1 reason: reset by the operator
    test_an_engine_whose_stack_was_reset_writes_nothing_more
§2.1 reason: not everything can be checked
    test_a_type_without_a_check_counts_as_checked_and_the_stack_says_so
    test_a_failed_check_says_too_that_not_everything_could_be_checked
§2.1 reason: the backup stack can't be deleted (there is none; what is left is cleaned away by the next update)
    test_a_failed_clean_up_does_not_undo_a_good_update
§2.1 reason: the domain's project can't be removed
    not here: needs a cloud
§2.1 reason: a bug
    test_an_unknown_exception_of_a_plugin_fails_its_resource_and_says_its_class
    test_a_bug_in_a_plugin_is_rolled_back_like_any_failure
§2.1 nothing stays IN_PROGRESS for ever
    test_a_resource_whose_call_hangs_fails_and_so_does_its_stack
§2.2 CREATE is checked in full before anything is stored
    test_all_problems_of_a_template_are_told_at_once_and_nothing_is_stored
§2.2 CREATE: a name is taken once
    test_a_name_that_is_taken_is_refused_and_the_first_stack_stays
    test_of_two_creates_at_once_exactly_one_gets_the_name
§2.2 CREATE: limits
    test_a_project_has_at_most_so_many_stacks
    test_a_stack_has_at_most_so_many_resources
§2.2 CREATE: administrators have no limit of stacks
    test_the_limit_holds_for_previews_and_not_for_administrators
§2.2 UPDATE is refused in every state of SUSPEND and DELETE, and in no other
    test_an_update_is_refused_in_every_state_of_suspend_and_delete
    test_a_state_refuses_a_call_or_lets_it_begin
    test_a_stack_that_was_resumed_is_updated_and_one_that_is_suspended_is_not
§2.2 UPDATE: immutable parameters
    test_an_immutable_parameter_may_be_given_again_and_not_changed
§2.2 UPDATE with `existing`: template, parameters, files, tags and options that are not given
    test_an_update_with_existing_keeps_what_is_not_given
    test_a_patch_after_a_failure_is_laid_upon_what_was_tried_last
    test_parameters_are_cleared_before_new_ones_are_laid_over
    test_stored_parameters_that_a_new_template_does_not_have_are_dropped_and_new_ones_are_not
    test_files_are_merged_by_an_update_with_existing
    test_tags_after_an_update
§2.2 DELETE of what is deleted; CANCEL where nothing is under way
    test_a_state_refuses_a_call_or_lets_it_begin
    test_what_is_not_under_way_is_not_cancelled
§2.2 SNAPSHOT of a busy stack, and too many of them; administrators have no limit
    test_a_stack_that_failed_can_be_saved_and_a_busy_one_can_not
    test_a_stack_has_only_so_many_snapshots
§2.2 a snapshot that is being taken is neither deleted nor restored
    test_one_that_is_being_taken_is_not_deleted
    test_only_a_complete_snapshot_is_restored
§2.2 ABANDON, export and ADOPT need their switch
    test_without_the_switch_nothing_is_handed_out_whatever_the_stack
    test_without_the_switch_nothing_is_adopted_and_the_data_are_not_looked_at
§2.2 SUSPEND of the suspended and RESUME of the resumed do nothing
    test_what_is_at_rest_already_is_left_alone
§2.3 CREATE: in order of dependencies; rolled back to nothing
    test_nothing_is_built_before_what_it_requires
    test_a_create_that_fails_is_rolled_back_to_nothing
    test_02_a_create_that_is_rolled_back_midway_leaves_nothing
§2.3 ADOPT: takes over; a rollback gives back and deletes nothing
    test_what_was_abandoned_is_adopted_as_it_is
    test_an_adopt_that_failed_and_is_rolled_back_gives_back_what_it_took
§2.3 UPDATE
    test_update_in_place_keeps_the_rows_and_reaches_what_reads_them
    test_update_replaces_then_cleans
§2.3 DELETE: backwards, with all snapshots; one that failed is asked for again
    test_07_updates_one_after_the_other_and_a_delete_lose_nothing
    test_with_a_stack_go_its_snapshots
    test_a_failed_delete_is_tried_again_by_the_next
§2.3 SUSPEND backwards, RESUME forwards
    test_a_stack_is_suspended_backwards_and_resumed_forwards
    test_a_resource_that_fails_to_suspend_fails_the_stack_and_can_be_suspended_again
    test_a_stack_that_is_suspended_can_be_deleted
§2.3 CHECK: everything that can be; all that is wrong
    test_a_check_looks_at_everything_and_tells_all_that_is_wrong
§2.3 SNAPSHOT
    test_a_snapshot_holds_the_stack_with_what_every_resource_has_saved
    test_a_snapshot_that_a_resource_fails_has_failed_and_can_be_removed
§2.3 RESTORE
    test_a_restore_brings_back_what_was_declared_and_what_was_saved
§2.3 ROLLBACK that failed never rolls back by itself; it can be asked for (ours)
    test_a_rollback_that_fails_is_told_and_a_good_update_mends_it
    test_a_rollback_that_failed_is_tried_again
§2.3 after the rollback of a create an empty stack is left
    test_a_create_that_was_rolled_back_leaves_an_empty_stack_to_be_updated_or_deleted
§2.4 a resource fails in CREATE or ADOPT: if the stack says so
    test_a_create_that_fails_is_rolled_back_to_nothing
    test_a_failure_blocks_only_what_depends_on_it
    test_an_adopt_that_failed_and_is_rolled_back_gives_back_what_it_took
§2.4 a resource fails in UPDATE: if the stack says so
    test_an_update_that_fails_goes_back_to_the_last_complete_template
    test_an_update_that_fails_without_rollback_stays_until_a_good_one
§2.4 the time of a CREATE is over: if the stack says so
    test_a_create_that_timed_out_is_rolled_back_where_the_stack_says_so
    test_a_stack_that_takes_longer_than_its_timeout_fails
§2.4 the time of an UPDATE is over: if the stack says so
    test_an_update_that_timed_out_is_rolled_back
    test_an_update_that_timed_out_is_mended_by_the_next
§2.4 an exception that nobody expects: if the stack says so
    test_a_bug_in_a_plugin_is_rolled_back_like_any_failure
§2.4 a RESTORE fails: if the stack says so
    test_a_restore_that_fails_is_rolled_back_where_that_is_asked_for
§2.4 cancelled with rollback: always
    test_a_cancel_rolls_back_even_where_that_is_disabled
§2.4 cancelled without rollback: never
    test_a_create_is_cancelled_where_it_stands_even_if_a_failure_is_rolled_back
§2.4 ROLLBACK, DELETE, SUSPEND, RESUME, CHECK and SNAPSHOT fail: never
    test_what_leads_to_nothing_new_is_not_rolled_back_when_it_fails
    test_a_rollback_that_fails_is_told_and_a_good_update_mends_it
§2.4 where a rollback leads: what was COMPLETE last, and not to other tags, timeout or rollback flag
    test_a_second_failure_rolls_back_to_the_last_complete_and_not_to_the_last_tried
    test_a_rollback_brings_back_the_definition_and_not_the_options_of_the_stack
§2.5 the stack's timeout, else the engine's
    test_a_stack_that_takes_longer_than_its_timeout_fails
    test_a_stack_that_says_nothing_has_the_time_of_the_configuration
    test_an_update_may_give_a_stack_another_timeout
§2.5 the clock begins with the operation
    test_the_time_of_an_operation_begins_with_it_and_not_with_the_stack
    test_a_rollback_has_time_of_its_own
    test_an_update_that_takes_over_has_time_of_its_own
§2.5 every action has a deadline, and a watchdog
    test_an_action_that_takes_too_long_fails_and_can_be_asked_for_again
    test_a_delete_that_timed_out_fails_and_the_next_one_ends_it
    test_a_snapshot_that_takes_too_long_has_failed
§2.5 nested stacks have their parent's timeout and a start of their own
    test_a_nested_stack_has_the_timeout_of_its_parent
    test_when_the_time_of_a_tree_is_over_what_is_nested_has_failed_too
§2.6 without rollback: what runs ends, nothing starts, also of what is nested
    test_a_cancelled_update_that_is_not_rolled_back_stays_and_what_is_in_flight_ends
    test_a_cancelled_create_builds_nothing_more
    test_a_cancel_reaches_what_is_nested
    test_a_cancelled_update_has_failed_in_the_whole_tree_when_the_call_returns
§2.6 with rollback
    test_a_cancelled_update_goes_back_and_builds_nothing_more
    test_a_cancel_with_rollback_brings_the_whole_tree_back
§2.6 a DELETE takes over from what is under way
    test_a_delete_supersedes_a_create_that_waits_for_ever
    test_an_outcome_that_comes_after_a_newer_walk_began_is_recorded
    test_a_stack_with_a_call_that_hangs_can_be_deleted
§2.6 a DELETE while another engine walks
    test_a_delete_that_one_engine_is_asked_for_is_done_by_the_one_that_walks
    test_a_delete_of_what_the_crash_left_unknown_finds_it_and_takes_it_away
    test_all_engines_that_walk_a_tree_are_asked_to_look_again_the_outermost_first
§2.6 a message to a stack that nobody walks is lost without harm
    test_a_message_to_a_stack_at_rest_or_to_none_at_all_is_harmless
§2.7 an engine that starts walks on what the dead have left
    test_a_stack_that_was_stored_and_never_walked_is_walked_by_the_next_engine
    test_an_update_or_delete_that_was_left_in_the_middle_is_walked_on
    test_a_walk_that_was_cut_short_goes_on_after_a_restart
    test_a_nested_stack_that_was_left_is_walked_on_with_its_parent
§2.7 a worker that died in the middle of a call
    test_a_create_that_is_killed_anywhere_completes
    test_what_was_built_before_the_crash_is_found_and_not_built_again
§2.7 reset of a tree: what is under way FAILED, hooks dropped, locks deleted
    test_what_is_under_way_fails_and_what_is_built_stays
    test_nothing_waits_at_a_hook_any_more
    test_a_whole_tree_is_reset_in_one_go
§2.8 what an abandon hands out, and what it leaves alone
    test_an_export_tells_all_and_leaves_the_stack_as_it_is
    test_an_abandoned_stack_is_gone_and_its_things_are_there
§2.8 what an adopt takes in; a resource without an id
    test_what_was_abandoned_is_adopted_as_it_is
    test_a_resource_without_an_id_fails_the_adopt_and_the_others_are_taken_over
"""

RESOURCES = """
§3.3 an external id: looked at, and never built
    test_a_thing_that_exists_is_looked_at_and_never_built_nor_taken_away
§3.3 breakpoints before and after, in a create of the stack only
    test_a_create_stops_before_and_after_the_thing_is_built
    test_what_an_update_adds_does_not_stop_before_it_is_created
§3.3 properties are resolved when they are needed, and stored
    test_nothing_is_built_before_what_it_requires
    test_properties_that_turn_out_wrong_fail_a_create_with_a_row_that_tells_it
§3.3 what a provider built in error, or had a conflict about, is tried again
    not here: needs a cloud
§3.4 FAILED: replaced, unless its type says that it is fine
    test_what_failed_is_replaced_by_the_next_update
    test_however_often_it_fails_nothing_is_left_behind_in_the_end
    test_a_failed_nested_stack_is_updated_in_place_and_not_replaced
§3.4 CHECK_FAILED: replaced
    test_what_failed_its_check_is_replaced_by_the_next_update
§3.4 deleted, or never built: built anew
    test_07_updates_one_after_the_other_and_a_delete_lose_nothing
    test_08_an_update_during_the_create_keeps_what_is_there_and_builds_the_rest_once
§3.4 its type wants a new one for this change
    test_a_type_says_itself_when_a_change_needs_a_new_one
    test_a_plugin_that_asks_for_it_gets_a_replacement
§3.4 a property that changes in place; one that replaces; one that may never change
    test_update_in_place_keeps_the_rows_and_reaches_what_reads_them
    test_update_replaces_then_cleans
    test_a_change_of_what_may_never_change_is_refused_and_the_row_stays
§3.4 a property that is not given any more
    test_a_property_that_is_said_no_more_has_its_default_again
§3.4 the definition differs, and no property
    test_what_is_not_about_the_thing_itself_changes_without_a_call_and_without_an_event
§3.4 nothing differs
    test_a_settled_stack_gives_an_equal_update_nothing_to_do
§3.4 another type: replaced
    test_a_change_of_type_replaces
    test_a_type_that_is_mapped_elsewhere_replaces_only_where_another_builds_it
§3.4 another type that substitutes it: in place
    not here: no type has a substitute before those of software deployments
§3.4 an external id that differs, or is equal
    test_its_id_may_come_from_a_parameter_and_stays_the_same
    test_what_was_built_does_not_become_external_and_stays
    test_what_is_external_does_not_become_something_to_be_built
§3.4 the breakpoint before an update, whatever it will come to
    test_an_update_stops_even_if_nothing_changes
    test_an_update_that_changes_something_stops_first
§3.4 an operation on it is under way already (it ends first)
    test_an_update_of_what_is_still_being_built_ends_as_the_update_says
    test_an_update_that_comes_during_the_create_is_done_however_that_ends
§3.5 reality is looked at if asked for: what differs, what is gone, what can't be seen
    test_what_somebody_changed_is_changed_back
    test_what_is_gone_is_built_anew_and_what_uses_it_follows
    test_a_look_that_fails_changes_nothing
    test_nobody_looks_unless_asked_to
§3.5 only what an update may change counts
    test_a_difference_that_could_not_be_changed_back_in_place_replaces_nothing
§3.5 handed on to nested stacks
    test_who_asks_for_it_has_what_is_nested_looked_at_too
§3.6 nothing is done about what is deleted, or was never built
    test_a_delete_takes_over_from_a_create_that_stands_at_a_breakpoint
    test_there_is_nothing_to_save_of_what_was_never_built
§3.6 breakpoints in a delete of the stack only
    test_a_delete_stops_before_and_after_the_thing_is_gone
    test_what_an_update_removes_does_not_stop_before_it_is_deleted
§3.6 the stored properties count
    test_a_thing_is_deleted_as_it_was_built_and_not_as_it_was_to_become
§3.6 policies Delete, Retain, Snapshot
    test_a_deletion_policy_says_what_becomes_of_the_thing
    test_a_retained_row_that_is_replaced_leaves_its_thing
    test_what_has_the_policy_snapshot_is_saved_when_it_is_deleted
    test_a_type_that_can_not_save_itself_has_no_policy_snapshot
§3.6 the policy of the last update, however it is spelt
    test_the_policy_of_the_last_update_says_what_becomes_of_a_thing
§3.6 an abandon retains everything
    test_an_abandoned_stack_is_gone_and_its_things_are_there
§3.6 a provider that has a conflict is asked again
    not here: needs a cloud
§3.6 an external resource waits for nothing, may not be told to, and survives its stack
    test_it_waits_for_nothing_and_may_not_be_told_to
    test_what_stands_outside_is_never_deleted
    test_a_thing_that_is_not_there_fails_the_resource_and_says_so
§3.7 a type without a check
    test_a_type_without_a_check_counts_as_checked_and_the_stack_says_so
§3.7 what was never built
    test_what_is_declared_and_was_never_built_fails_a_check
§3.8 SUSPEND: not of what is not COMPLETE
    test_what_is_not_built_can_not_be_suspended
§3.8 RESUME: only of what is suspended, or failed to resume
    test_what_was_never_suspended_can_not_be_resumed
    test_a_resume_that_failed_is_tried_again_where_it_failed
§3.8 types that do nothing about it
    test_a_type_that_does_nothing_about_it_is_suspended_and_resumed_all_the_same
§3.8 SNAPSHOT has no precondition; a snapshot is removed without a change of state
    test_a_stack_that_failed_can_be_saved_and_a_busy_one_can_not
    test_with_a_snapshot_goes_what_was_saved_for_it
§3.9 everything is checked, in one go, each with its path; circles too
    test_all_problems_are_told_at_once_each_with_its_line
    test_a_bad_template_is_refused_with_what_and_where
§3.9 a service that is not there
    not here: needs a cloud
§3.10 update, replacement and change of type are restricted: an event, and no change
    test_what_the_environment_forbids_fails_the_update_and_changes_nothing
    test_a_replacement_that_only_the_type_wants_is_forbidden_too
§3.10 what is not restricted goes on; the new environment counts
    test_what_is_not_forbidden_goes_on
    test_what_was_forbidden_goes_on_once_the_environment_of_an_update_forbids_it_no_more
§3.10 in nested stacks
    test_what_is_forbidden_deep_inside_is_told_with_its_path
§3.11 all six hooks, in the state before, with their events
    test_a_create_stops_before_and_after_the_thing_is_built
    test_an_update_in_place_stops_behind_it
    test_a_delete_stops_before_and_after_the_thing_is_gone
§3.11 a signal clears a hook, from any engine; an unknown one, or one that is not set
    test_a_resource_is_let_go_on_beside_the_engine_that_walks
    test_a_resource_shows_the_hook_that_it_waits_at_until_it_is_let_go_on
    test_what_is_no_hook_is_refused
    test_a_hook_at_which_nothing_waits_is_not_set
    test_a_stop_outlives_the_engine
§3.11 what interrupts the wait; the time of the stack goes on
    test_the_time_of_a_stack_goes_on_while_a_resource_stands_at_a_breakpoint
    test_a_cancel_ends_the_wait_at_a_breakpoint_and_the_resource_stays_as_it_was
    test_an_update_takes_over_from_a_create_that_stands_at_a_breakpoint
    test_a_rollback_waits_for_nobody
§3.12 marked unhealthy by name, physical id or reference id
    test_a_resource_is_found_by_name_or_id
    test_an_id_that_several_resources_have_is_ambiguous
§3.12 marked: CHECK_FAILED, replaced by the next update; the mark taken away
    test_the_next_update_replaces_it_and_what_refers_to_it_follows
    test_one_that_is_healthy_after_all_stays
    test_a_nested_stack_that_is_marked_unhealthy_is_replaced_as_a_whole
§3.12 a busy stack takes no mark
    test_while_its_stack_is_updated_it_cannot_be_marked
§3.13 signals that are for no hook: refused while deaf, with an event
    test_a_resource_that_rests_or_goes_takes_no_signal_and_an_event_says_so
    test_what_is_not_there_takes_no_signal
§3.13 signals that a type takes; metadata of others
    not here: issue: signals
"""

ROWS = stories.parsed(STACKS) + stories.parsed(RESOURCES)
THERE_ARE = stories.there_are()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.text)
def test_a_row_has_a_story_or_a_reason_why_not(row: stories.Row) -> None:
    assert bool(row.stories) != bool(row.excuse)
    assert set(row.stories) - THERE_ARE == set()


def test_no_row_stands_twice() -> None:
    assert len({row.text for row in ROWS}) == len(ROWS)
