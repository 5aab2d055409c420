"""What must be said of cases that are left alone, or are recognised without their backward."""

REMARKS = {
    "its backward: no gradient of its input": """
        backward_count backward_half_dx backward_halved_statistics backward_no_gamma backward_no_mean_term
        backward_no_variance_term backward_sign backward_stopped_mean backward_stopped_statistics
        backward_stopped_variance fused_backward_stopped_statistics neg_stopgrad_stats judge_forward_only""",
    "epsilon differs between channels": """
        neg_bessel never_bessel named_never_bessel never_wrong_count never_off_by_one never_eps_after
        never_eps_outside never_eps_outside_small never_eps_power_0_4 never_eps_power_1 never_eps_relative
        never_eps_squared_first never_eps_twice never_eps_vector never_eps_argument never_blended_variance
        never_one_variance never_reversed_variance never_rolled_channels never_other_half""",
    "at other scales of its inputs": """
        never_clipped_above never_clipped_input never_clipped_mean never_eps_clamped_deviation""",
    "was never seen": "judge_root_clamped_tiny",
    "its statistics are over dimensions 1, 2, not over": """
        neg_instnorm never_instance_norm unit_never_instance_norm""",
    "its statistics are over dimensions 3, not over": "neg_layernorm never_layer_norm",
    "its statistics are over dimensions 1, 2, 4, not over": "neg_groupnorm",
    "its statistics are over dimensions 1, 3, not over": "never_group_norm",
    "its statistics are over dimensions 0, 1, 2, 3, not over": "neg_axis012of_n never_over_everything",
    "its statistics are over dimensions 1, 2, 3, not over": "never_ghost",
    "its statistics are over dimensions 0, 2, 3, not over": "never_ghost_interleaved",
    "its statistics are over dimensions 0, not over": "never_over_batch_only",
    "its statistics are over dimensions 0, 2, not over": "never_over_columns",
    "its statistics are over dimensions 0, 1, not over": "never_over_rows",
    "its statistics are over dimensions 1, not over": "never_over_height_only",
    "its channel would be dimension 0; see the option any-channel-dim": """
        layout_cnhw neg_layernorm_hwc never_group_norm_one never_layer_norm_all never_square_over_channels""",
    "its channel would be dimension 3; see the option any-channel-dim": "neg_groupnorm_batch",
    "its channel would be dimension 1; see the option any-channel-dim": "judge_channel_pairs",
}


def add_remarks(cases):
    for remark, names in REMARKS.items():
        for name in names.split():
            cases[name].remark = remark
