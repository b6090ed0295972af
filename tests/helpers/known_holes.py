"""What went wrong in one-step verifiers before this one, and what can: which tests would notice.

Each hole is named once. Those that have a test of their own are in
tests/differential/test_osp_known_holes.py; the others are held by the tests named here.
"""

from collections.abc import Mapping
from typing import Final

BASIC: Final = "tests/differential/test_osp_basic.py"
BATCHES: Final = "tests/differential/test_osp_batches.py"
CODECS: Final = "tests/differential/test_codecs_solidity.py"
COST: Final = "tests/differential/test_osp_cost.py"
COVERAGE: Final = "tests/differential/test_osp_coverage.py"
FORGERIES: Final = "tests/differential/test_osp_forgeries.py"
HOLES: Final = "tests/differential/test_osp_known_holes.py"
MEMORY: Final = "tests/differential/test_osp_memory.py"
MPT: Final = "tests/differential/test_mpt_solidity.py"
PRECOMPILES: Final = "tests/differential/test_precompiles_solidity.py"
STATE: Final = "tests/differential/test_osp_state_call.py"
THREE_WAY: Final = "tests/differential/test_three_way.py"
TRACE: Final = "tests/differential/test_osp_trace.py"
TRANSACTIONS: Final = "tests/differential/test_osp_transactions.py"
OPS: Final = "tests/unit/protocol/stepper/ops"

HELD_BY: Final[Mapping[str, tuple[str, ...]]] = {
    # verifiers that were published
    "jump_checks_only_the_byte_or_nothing": (
        f"{BASIC}::test_step__jump__both_sides_agree",
        "solidity/test/dispute/osp/Code.t.sol::test_isJumpDest_notInsidePushData",
    ),
    "jumpi_takes_its_operands_the_wrong_way_round": (
        f"{OPS}/test_stack_and_flow.py::test_jump_if__zero_condition__goes_on",
        f"{BASIC}::test_step__jump__both_sides_agree",
    ),
    "an_opcode_runs_as_another": (
        "tests/differential/test_stepper_revm.py::test_opcode__random_items__pushes_what_revm_does",
        f"{COVERAGE}::test_steps__of_programs_that_touch_everything__are_proven_on_l1",
    ),
    "stack_limit_off_by_one": (f"{BASIC}::test_step__basic_opcode_at_each_limit__both_sides_agree",),
    "memory_expansion_not_charged": (f"{MEMORY}::test_memory__any_gas__fails_where_the_other_engine_fails",),
    "logs_take_offset_and_length_for_topics": (
        f"{OPS}/test_memory.py::test_log__any_topics__extends_the_accumulator",
    ),
    "slot_key_not_hashed_or_gas_of_another_fork": (
        f"{OPS}/test_storage.py::test_load__twice__is_cheap_the_second_time",
        f"{THREE_WAY}::test_transactions__random__everybody_agrees",
    ),
    "absent_account_cannot_be_proven": (f"{OPS}/test_accounts.py::test_look__at_nobody__is_zero",),
    "block_hash_range_inverted": (f"{OPS}/test_environment.py::test_block_hash__last_256__is_known",),
    "calls_creations_and_failures_not_verified": (
        f"{STATE}::test_step__of_each_program__both_languages_agree",
    ),
    "number_of_steps_claimed_by_one_party": (
        f"{TRACE}::test_step__at_rest_after_index_zero__is_padding",
        f"{TRACE}::test_step__last_index__fails_unless_the_unit_ends_there",
    ),
    "constants_of_another_chain": (f"{HOLES}::test_attack__constants_of_another_chain__make_another_step",),
    "long_rlp_list_prefix_and_root_of_nothing": (
        f"{CODECS}::test_rlp__any_bytes__both_split_or_refuse",
        "solidity/test/libraries/Mpt.t.sol::test_read_emptyTrie_isAbsent",
    ),
    "initcode_longer_than_the_container_of_code": (
        f"{OPS}/test_creation.py::test_create__longest_initcode__is_the_limit",
    ),
    "trie_without_deletion_or_with_partial_extensions": (
        f"{MPT}::test_mpt__random_trie__both_languages_agree",
        "tests/property/test_mpt.py::test_upsert_and_delete__chained__follow_the_committer",
    ),
    # the pitfalls
    "01_code_not_bound": (f"{HOLES}::test_attack__code_chosen_by_the_prover__is_refused",),
    "02_destination_inside_push_data": (
        f"{BASIC}::test_step__jump__both_sides_agree",
        f"{BASIC}::test_step__push_at_the_end_of_the_code__both_sides_agree",
        f"{BASIC}::test_step__beyond_the_code__stops_on_both_sides",
    ),
    "03_truncation_to_64_bits": (
        f"{HOLES}::test_attack__number_that_is_small_in_64_bits__is_as_large_as_it_is",
    ),
    "04_reads_beyond_the_end": (
        f"{OPS}/test_environment.py::test_calldata_load__any_offset__has_zeros_beyond_the_end",
        f"{MEMORY}::test_memory__each_program__engines_and_l1_agree",
    ),
    "05_words_written_in_part": (f"{HOLES}::test_attack__bytes_beside_those_written__are_the_old_ones",),
    "06_reachable_state_that_cannot_be_proven": (
        f"{STATE}::test_step__on_both_sides_of_each_charge__both_languages_agree",
        f"{COST}::test_step__dearest_of_its_kind__fits_a_transaction",
        f"{COST}::test_step__of_longest_operation__fits_a_transaction",
    ),
    "07_malformed_taken_for_absent": (
        f"{HOLES}::test_attack__walk_that_breaks_off__proves_no_absence",
        f"{MPT}::test_mpt__malformed_but_well_hashed_proof__both_languages_agree",
    ),
    "08_inline_leaves_and_collapse": (
        f"{MPT}::test_mpt__leaf_around_32_bytes__both_languages_agree",
        f"{MPT}::test_mpt__impossible_trie__both_languages_refuse",
        "solidity/test/libraries/Mpt.t.sol::test_all_inlineLeaves_followThePlainTrie",
    ),
    "09_second_update_on_the_old_root": (f"{HOLES}::test_attack__second_update_on_the_old_root__is_refused",),
    "10_two_encodings_of_one_state": (f"{HOLES}::test_attack__part_that_the_phase_has_not__leaves_no_trace",),
    "11_scope_of_reverts": (
        f"{OPS}/test_calls.py::test_call__value__moves_and_the_snapshot_is_from_before",
        "tests/unit/protocol/stepper/test_step.py::test_step__handler_fails_after_a_change__leaves_the_snapshot",
        f"{THREE_WAY}::test_transactions__random__everybody_agrees",
    ),
    "12_gas_of_calls": (
        f"{OPS}/test_calls.py::test_call__more_value_than_there_is__gives_gas_and_stipend_back",
        f"{OPS}/test_calls.py::test_call__more_gas_than_there_is__leaves_a_64th",
        "tests/differential/test_frame_gas_solidity.py::test_call__any_gas__both_languages_agree",
    ),
    "13_gas_and_refund_of_stores": (
        f"{OPS}/test_storage.py::test_store__writes_in_a_row__cost_and_refund_as_in_eip3529",
        f"{OPS}/test_storage.py::test_store__no_more_than_the_stipend__fails",
        f"{OPS}/test_storage.py::test_store__other_start_state__compares_with_the_value_there",
    ),
    "14_failing_creations": (
        f"{OPS}/test_creation.py::test_create__impossible__goes_on_with_a_zero",
        f"{THREE_WAY}::test_named_programs__eels_agrees_where_it_is_installed",
        f"{STATE}::test_step__of_each_program__both_languages_agree",
    ),
    "15_selfdestruct": (
        f"{OPS}/test_accounts.py::test_selfdestruct__to_itself__burns_only_what_is_new",
        f"{OPS}/test_accounts.py::test_selfdestruct__again__is_noted_once",
    ),
    "16_precompiles_of_l1": (
        f"{HOLES}::test_attack__little_gas__gives_no_other_answer",
        f"{PRECOMPILES}::test_run__with_any_gas__answers_the_same_or_reverts",
        "solidity/test/dispute/Precompiles.t.sol::test_probe_missingPrecompile_namesIt",
    ),
    "17_py_evm_taken_for_the_truth": (
        f"{THREE_WAY}::test_transactions__random__everybody_agrees",
        "tests/differential/test_stepper_revm.py::test_frames__random_programs__end_as_in_revm",
    ),
    "18_two_decoders_of_transactions": (
        f"{TRANSACTIONS}::test_transaction__wrong_bytes__is_passed_over",
        "tests/unit/protocol/test_transactions.py::test_decode__high_s__is_refused",
    ),
    "19_malformed_data_reverts_or_stalls": (
        "tests/property/test_derivation.py::test_replay__any_bytes__total_and_well_formed",
        f"{BATCHES}::test_step__named_batch__each_step_is_proven_on_l1",
    ),
    "20_games_with_the_length_of_the_trace": (
        f"{TRACE}::test_step__later_unit_begins__as_the_step_machine",
        f"{TRACE}::test_step__batch_begins_where_none_ended__fails",
        f"{FORGERIES}::test_attack__right_witness_for_another_question__both_languages_agree",
    ),
    "21_context_of_another_batch": (f"{HOLES}::test_attack__deposit_that_l1_does_not_have__is_refused",),
    "22_empty_chain": (f"{HOLES}::test_attack__items_on_an_empty_stack__are_refused",),
    "23_proofs_that_cannot_be_made_again": (
        "tests/property/test_mpt.py::test_prove__incomplete_store__raises_missing_node",
        "tests/architecture/test_purity.py::test_protocol__each_module__keeps_the_purity_rules",
    ),
    "24_steps_that_take_the_prover_too_long": (
        "tests/differential/test_osp_precompile.py::test_precompile__dearest_inputs__succeed_within_one_transaction",
        "tests/unit/protocol/stepper/test_state.py::test_frame__a_thousand_callers__hashes_within_a_small_python_stack",
    ),
    "25_verifier_that_can_be_changed": (
        f"{HOLES}::test_attack__verifier_changed_during_a_dispute__has_no_way_to_be",
    ),
}
