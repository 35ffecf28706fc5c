"""Where ONNX Runtime gives something else than the reference, and why."""

from __future__ import annotations

from typing import Final

_DFT_ATOL = 5e-4

ROUNDED: Final = dict.fromkeys(
    (
        "test_dft",
        "test_dft_axis",
        "test_dft_axis_opset19",
        "test_dft_inverse",
        "test_dft_inverse_opset19",
        "test_dft_irfft",
        "test_dft_irfft_opset19",
        "test_dft_opset19",
        "test_dft_rfft",
        "test_dft_rfft_opset19",
        "test_stft",
        "test_stft_with_window",
    ),
    _DFT_ATOL,
)
"""Absolute tolerance of cases whose reference is computed in FP64: in FP32, what should be 0 is some 1e-4."""

_RANDOM = "the mask is random, and each implementation draws its own"
_LOWEST = "ONNX Runtime masks scores with the lowest number, the reference with -Infinity"
_ROUNDED_SIZE = "ONNX Runtime aligns corners by the rounded output size, the reference by scale times size"

UNEQUAL: Final = {
    "test_attention_4d_with_past_and_present_qk_matmul_bias_3d_mask_causal": _LOWEST,
    "test_attention_4d_with_past_and_present_qk_matmul_bias_4d_mask_causal": _LOWEST,
    "test_maxunpool_export_with_output_shape": (
        "ONNX Runtime counts the indices in the given output shape, the reference in the one without it"
    ),
    "test_resize_downsample_scales_cubic_align_corners": _ROUNDED_SIZE,
    "test_resize_downsample_scales_linear_align_corners": _ROUNDED_SIZE,
    "test_training_dropout": _RANDOM,
    "test_training_dropout_default": _RANDOM,
    "test_training_dropout_default_mask": _RANDOM,
    "test_training_dropout_mask": _RANDOM,
}
"""Cases with other values, and the reason; shapes and datatypes are the reference's."""

NOT_RUN: Final = {
    "test_attention_4d_diff_heads_mask4d_padded_kv": "ONNX Runtime wants a mask as long as the keys",
    "test_convinteger_with_padding": "ONNX Runtime wants one zero point for all of the weights",
    "test_reduce_max_empty_set_bool": "ONNX Runtime has no maximum of no booleans",
}
"""Cases whose model opens, but does not run on these inputs, and the reason."""
