"""Own code beside a model: two functions of `model.py`, before and after the model.

```
rows ── preprocess(rows) ──> inputs ── model ──> outputs ── postprocess(outputs, rows) ──> answer
```

Both accept and return arrays by name: NumPy's, of numbers or booleans, or of Python strings for BYTES. The
signature is the model's, but where the code declares `INPUTS` or `OUTPUTS`. An exception becomes an answer
that names the line of `model.py`; rows that the code refuses are failed records.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, override

import numpy as np

from triptych.clock import Deadline
from triptych.errors import (
    NO_MEMORY,
    BadRequest,
    BadRows,
    DeadlineExceeded,
    ModelUnavailable,
    PayloadTooLarge,
    TriptychError,
)
from triptych.models.model import ModelSession
from triptych.models.storage import CODE_FILE
from triptych.models.watchdog import WATCHDOG
from triptych.protocol.datatypes import BYTES, DATATYPES
from triptych.protocol.names import did_you_mean, listing
from triptych.protocol.tensors import FREE, Array, Signature, Tensor, TensorSpec, fits

Columns = dict[str, Array]
"""Arrays by name."""

_LONGEST = 500  # characters of an error's message


class RowsRefused(ValueError):
    """Raised by the code of a model for rows that it refuses: each is a failed record, the others go on.

    Args:
        reasons: Why, by the position of each row in its arrays, from 0.

    Attributes:
        reasons: The same.
    """

    def __init__(self, reasons: Mapping[int, str]) -> None:
        if not reasons:
            raise ValueError("RowsRefused: expected the position of a row, and the reason")
        super().__init__(f"refuses {len(reasons)} rows")
        self.reasons = {int(row): str(reason) for row, reason in reasons.items()}


class CodeSession(ModelSession):
    """Runs `preprocess` before a model, and `postprocess` after it.

    Args:
        session: The model, or the task in front of it.
        path: The `model.py`. Its code runs with the permissions of the function.

    Raises:
        ModelUnavailable: The code cannot be loaded, or does not fit the model.
    """

    def __init__(self, session: ModelSession, path: Path) -> None:
        code = _Code(path)
        self.signature: Signature = code.signature(session.signature)
        self._session = session
        self._code = code

    @property
    @override
    def raw(self) -> ModelSession:
        return self._session.raw

    @override
    def run(
        self, inputs: Mapping[str, Tensor], outputs: Sequence[str], deadline: Deadline
    ) -> dict[str, Tensor]:
        code, model = self._code, self._session
        rows, feeds = _columns(inputs), inputs
        if code.preprocess:
            feeds = code.call(code.preprocess, (rows,), model.signature.inputs, deadline)
        if not code.postprocess:
            return model.run(feeds, outputs, deadline)
        results = _columns(model.run(feeds, [spec.name for spec in model.signature.outputs], deadline))
        made = code.call(code.postprocess, (results, rows), self.signature.outputs, deadline)
        return {name: made[name] for name in outputs}


class _Code:
    """The module in a `model.py`.

    Attributes:
        preprocess: Makes the inputs of the model from the rows, if there is such a function.
        postprocess: Makes the answer from the outputs of the model and the rows, if there is such a function.
    """

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._module = ModuleType("model")
        self._module.__file__ = self._path
        try:
            exec(self._compiled(), vars(self._module))  # noqa: S102 - deployed with the function, as its own code
        except (Exception, SystemExit) as error:
            raise ModelUnavailable(f"{CODE_FILE} cannot be loaded: {self._described(error)}") from error
        self.preprocess = self._function("preprocess")
        self.postprocess = self._function("postprocess")
        if self.preprocess is None and self.postprocess is None:
            raise ModelUnavailable(
                f"{CODE_FILE} has neither a function preprocess(rows) nor postprocess(outputs, rows)"
            )

    def signature(self, model: Signature) -> Signature:
        """Returns the inputs and outputs of the model with its code.

        Args:
            model: Those of the model without.

        Raises:
            ModelUnavailable: The code declares something else than tensors, or has no function for them.
        """
        inputs = self._declared("INPUTS", "preprocess")
        outputs = self._declared("OUTPUTS", "postprocess")
        if inputs is None and outputs is None:
            return model
        return Signature(inputs or model.inputs, outputs or model.outputs)

    def call(
        self,
        function: Callable[..., object],
        columns: tuple[Columns, ...],
        expected: Sequence[TensorSpec],
        deadline: Deadline,
    ) -> dict[str, Tensor]:
        """Calls a function of the code, until the deadline.

        Time is up between two steps of Python: one call of NumPy, however long, ends first.

        Args:
            function: The function.
            columns: Its arguments.
            expected: What it has to return.
            deadline: When it must have ended.

        Raises:
            BadRows: It refuses rows.
            BadRequest: It fails; the message has the line.
            DeadlineExceeded: It was stopped because its time was up.
            PayloadTooLarge: It needs more memory than there is.
        """
        try:
            return _in_time(lambda: _tensors(function, function(*columns), expected), deadline)
        except TriptychError:
            raise
        except RowsRefused as error:
            raise BadRows({row + 1: reason for row, reason in error.reasons.items()}) from error
        except MemoryError as error:
            raise PayloadTooLarge(f"{CODE_FILE} {NO_MEMORY}") from error
        except (Exception, SystemExit) as error:
            raise BadRequest(f"{CODE_FILE} fails on these inputs: {self._described(error)}") from error

    def _compiled(self) -> CodeType:
        # Compiled here, because the import system would write its own file beside the source.
        return compile(Path(self._path).read_bytes(), self._path, "exec")

    def _function(self, name: str) -> Callable[..., object] | None:
        found = vars(self._module).get(name)
        if found is not None and not callable(found):
            raise ModelUnavailable(f"{CODE_FILE}: {name} is not a function")
        return found

    def _declared(self, constant: str, function: str) -> tuple[TensorSpec, ...] | None:
        found = vars(self._module).get(constant)
        if found is None:
            return None
        if getattr(self, function) is None:
            raise ModelUnavailable(f"{CODE_FILE} declares {constant}, and has no function {function}")
        if not isinstance(found, list | tuple) or not found:
            raise ModelUnavailable(f"{CODE_FILE}: {constant}: expected a list of (name, datatype, shape)")
        specs = tuple(_spec(entry, f"{constant}[{index}]") for index, entry in enumerate(found))
        if len({spec.name for spec in specs}) < len(specs):
            raise ModelUnavailable(f"{CODE_FILE}: {constant}: expected every name once")
        return specs

    def _described(self, error: BaseException) -> str:
        """Says what was raised, and where: in the last line of `model.py` that led to it."""
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        what = f"{type(error).__name__}: {reason}"[:_LONGEST]
        if isinstance(error, SyntaxError) and error.filename == self._path:
            return f"line {error.lineno}: {type(error).__name__}: {error.msg}"
        where, frame = "", error.__traceback__
        while frame is not None:
            code = frame.tb_frame.f_code
            if code.co_filename == self._path:
                inside = "" if code.co_name == "<module>" else f", in {code.co_name}"
                where = f"line {frame.tb_lineno}{inside}: "
            frame = frame.tb_next
        return where + what


class _Overtime(BaseException):
    """Raised in the thread of a function whose time is up, past its `except Exception`."""


def _in_time[T](step: Callable[[], T], deadline: Deadline) -> T:
    """Does a step, which is stopped when the deadline passes.

    Raises:
        DeadlineExceeded: It was.
    """
    deadline.check(f"waiting for {CODE_FILE}")
    thread = ctypes.c_ulong(threading.get_ident())
    stopped = threading.Event()

    def stop() -> None:
        stopped.set()
        ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(_Overtime))

    try:
        with WATCHDOG.guard(deadline, stop):
            result = step()
        if stopped.is_set():  # after its last line, and what was raised may not have arrived yet
            ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, None)
            raise _Overtime  # noqa: TRY301 - as if it had
    except _Overtime:
        raise DeadlineExceeded(
            f"{CODE_FILE} did not end in time; send less at once, or ask for a job: "
            "POST /v2/models/{model}/jobs"
        ) from None
    return result


def _columns(tensors: Mapping[str, Tensor]) -> Columns:
    """Returns the arrays of tensors, which the code must not write: others read them too."""
    columns: Columns = {}
    for name, tensor in tensors.items():
        columns[name] = tensor.values.view()
        columns[name].flags.writeable = False
    return columns


def _tensors(function: Callable[..., object], made: object, specs: Sequence[TensorSpec]) -> dict[str, Tensor]:
    """Returns what a function made as tensors.

    Raises:
        BadRequest: It is not an array for each of these, and no other.
    """
    where = f"{CODE_FILE}: {getattr(function, '__name__', 'a function')}"
    if not isinstance(made, Mapping):
        raise BadRequest(f"{where} returned {type(made).__name__}, expected arrays by name")
    known = [spec.name for spec in specs]
    for name in made:
        if name not in known:
            near = did_you_mean(str(name), known)
            raise BadRequest(f"{where} returned {name!r}{near}; expected {listing(known)}")
    missing = [spec.name for spec in specs if spec.name not in made and not spec.optional]
    if missing:
        raise BadRequest(f"{where} did not return {listing(missing)}")
    return {
        spec.name: _tensor(f"{where} returned {spec.name!r}", made[spec.name], spec)
        for spec in specs
        if spec.name in made
    }


def _tensor(where: str, made: Any, spec: TensorSpec) -> Tensor:  # noqa: ANN401 - whatever the code returns
    values = np.asarray(made, dtype=object if spec.datatype is BYTES else None)
    if spec.datatype is BYTES:
        odd = [type(value).__name__ for value in values.reshape(-1) if not isinstance(value, str)]
        if odd:
            raise BadRequest(f"{where} with {odd[0]}, expected only strings")
    elif not np.can_cast(values.dtype, spec.datatype.storage, "same_kind"):
        raise BadRequest(f"{where} of {values.dtype}, expected {spec.datatype.name}")
    if spec.shape is not None and not fits(values.shape, spec.shape):
        raise BadRequest(
            f"{where} of shape {list(values.shape)}, expected {list(spec.shape)} (-1 is any size)"
        )
    cast = values.astype(spec.datatype.storage, copy=False)
    if spec.datatype.kind == "int" and not np.array_equal(cast, values):
        raise BadRequest(f"{where} with numbers that {spec.datatype.name} cannot hold")
    return Tensor(spec.datatype, cast)


def _spec(entry: object, where: str) -> TensorSpec:
    match entry:
        case (str(name), str(datatype), list() | tuple() as shape) if (
            name and datatype in DATATYPES and all(type(size) is int and size >= FREE for size in shape)
        ):
            return TensorSpec(name, DATATYPES[datatype], tuple(shape))
        case _:
            raise ModelUnavailable(
                f"{CODE_FILE}: {where}: expected (name, datatype, shape) such as ('age', 'FP32', [-1]), "
                f"got {str(entry)[:80]}; datatypes are {', '.join(DATATYPES)}"
            )
