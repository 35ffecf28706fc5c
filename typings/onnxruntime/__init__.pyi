from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

from numpy.typing import NDArray

class RunOptions:
    terminate: bool
    log_severity_level: int
    def add_run_config_entry(self, key: str, value: str) -> None: ...

class SessionOptions:
    log_severity_level: int
    intra_op_num_threads: int
    inter_op_num_threads: int
    enable_mem_pattern: bool
    enable_cpu_mem_arena: bool
    def add_session_config_entry(self, key: str, value: str) -> None: ...

class NodeArg:
    name: str
    type: str
    shape: Sequence[int | str | None]

class ModelMetadata:
    custom_metadata_map: Mapping[str, str]

class OrtValue:
    @staticmethod
    def ortvalue_from_numpy(values: NDArray[Any]) -> OrtValue: ...
    @staticmethod
    def ortvalue_from_numpy_with_onnx_type(values: NDArray[Any], onnx_element_type: int) -> OrtValue: ...
    def shape(self) -> Sequence[int]: ...
    def data_ptr(self) -> int: ...
    def numpy(self) -> NDArray[Any]: ...

class InferenceSession:
    def __init__(
        self,
        path_or_bytes: str | bytes | PathLike[str],
        sess_options: SessionOptions | None = None,
        providers: Sequence[str] | None = None,
    ) -> None: ...
    def get_modelmeta(self) -> ModelMetadata: ...
    def get_inputs(self) -> Sequence[NodeArg]: ...
    def get_outputs(self) -> Sequence[NodeArg]: ...
    def run(
        self,
        output_names: Sequence[str] | None,
        input_feed: Mapping[str, NDArray[Any]],
        run_options: RunOptions | None = None,
    ) -> list[Any]: ...
    def run_with_ort_values(
        self,
        output_names: Sequence[str],
        input_dict_ort_values: Mapping[str, OrtValue],
        run_options: RunOptions | None = None,
    ) -> list[OrtValue]: ...
