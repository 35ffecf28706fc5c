"""Own code beside a model: `model.py`, before and after the model."""

import json
import shutil
import textwrap
import time
from collections import Counter
from pathlib import Path

import orjson
import pytest
from triptych.errors import BadRequest
from triptych.inference.slices import Sizes
from triptych.jobs.job import JobRequest
from triptych.models.config import ModelConfig, SessionSettings
from triptych.models.model import Model, VersionFiles
from triptych.tasks.open import open_session

from tests.support import batch_world
from tests.support.batch_world import BatchWorld
from tests.support.local_files import transformed
from tests.support.realtime import Answer, Call, RealtimeFunction, add_model
from tests.support.tiny_models import identity, sum_and_difference

PREDICT = "/v2/models/{model}/predict"
DOUBLES = """
    def preprocess(rows):
        return {name: values * 2 for name, values in rows.items()}
"""


class OwnCode:
    """A repository with the model `pair`: the sum and the difference of `a` and `b`, both of shape [rows, 2].

    Args:
        directory: An empty directory.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        add_model(directory, "pair", sum_and_difference())

    def write(self, code: str, path: str = "pair/model.py") -> None:
        """Writes code beside the model."""
        file = self.directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(code))

    def predict(self, *rows: object, milliseconds: int = 28_000) -> Answer:
        """Sends rows to a function that starts now."""
        body = json.dumps({"instances": rows}).encode()
        headers = {"content-type": "application/json"}
        call = Call("POST", PREDICT, {"model": "pair"}, headers, body=body)
        return RealtimeFunction(self.directory).handle(call.event(), milliseconds)

    def error(self, *rows: object) -> str:
        """Returns the message of the 400 that rows are answered with."""
        answer = self.predict(*rows)
        assert 400 == answer.status, answer.body
        return answer.error


@pytest.fixture
def pair(tmp_path: Path) -> OwnCode:
    """A model that code can be written for."""
    return OwnCode(tmp_path)


ONE = {"a": [1, 2], "b": [3, 4]}


def test_before_the_model(pair: OwnCode) -> None:
    """`preprocess` makes the inputs of the model from the rows."""
    pair.write(DOUBLES)
    assert [{"sum": [8.0, 12.0], "difference": [-4.0, -4.0]}] == pair.predict(ONE).json()["predictions"]


def test_after_the_model(pair: OwnCode) -> None:
    """`postprocess` makes the answer from the outputs and the rows as they came."""
    pair.write(
        DOUBLES
        + """
    def postprocess(outputs, rows):
        return {"sum": outputs["sum"] + rows["a"], "difference": outputs["difference"]}
    """
    )
    assert [{"sum": [9.0, 14.0], "difference": [-4.0, -4.0]}] == pair.predict(ONE).json()["predictions"]


PRICES = """
    import numpy as np

    INPUTS = [("name", "BYTES", [-1]), ("price", "FP64", [-1])]
    OUTPUTS = [("advice", "BYTES", [-1])]


    def preprocess(rows):
        pairs = np.stack([rows["price"], rows["price"]], axis=1)
        return {"a": pairs, "b": pairs}


    def postprocess(outputs, rows):
        words = np.where(outputs["sum"][:, 0] > 100, "dear", "cheap")
        return {"advice": [f"{name}: {word}" for name, word in zip(rows["name"], words)]}
"""


def test_signature_of_its_own(pair: OwnCode) -> None:
    """Declared inputs and outputs are those of the model, for callers, metadata and `infer`."""
    pair.write(PRICES)
    rows = [{"name": "tea", "price": 5}, {"name": "gold", "price": 60}]
    assert [{"advice": "tea: cheap"}, {"advice": "gold: dear"}] == pair.predict(*rows).json()["predictions"]
    described = RealtimeFunction(pair.directory).get("/v2/models/{model}", model="pair").json()
    assert [("name", "BYTES", [-1]), ("price", "FP64", [-1])] == [
        (spec["name"], spec["datatype"], spec["shape"]) for spec in described["inputs"]
    ]
    assert ["advice"] == [spec["name"] for spec in described["outputs"]]


def test_code_of_a_version(pair: OwnCode) -> None:
    """A version's own code comes before that of the model."""
    pair.write("raise RuntimeError('not this one')")
    pair.write(DOUBLES, "pair/1/model.py")
    assert 200 == pair.predict(ONE).status


def test_refused_rows(pair: OwnCode) -> None:
    """A row that the code refuses is named, with the reason."""
    pair.write("""
    from triptych.tasks.code import RowsRefused

    def preprocess(rows):
        negative = (rows["a"] < 0).any(axis=1).nonzero()[0]
        if len(negative):
            raise RowsRefused({row: "a is negative" for row in negative})
        return rows
    """)
    assert 200 == pair.predict(ONE).status
    assert "row 2: a is negative" == pair.error(ONE, {"a": [-1, 0], "b": [0, 0]})


def test_exception_names_the_line(pair: OwnCode) -> None:
    """What fails is an answer with the line of `model.py` that led to it, also from inside a library."""
    pair.write("""\
    import numpy as np

    def preprocess(rows):
        return joined(rows)

    def joined(rows):
        return np.concatenate([rows["a"], rows["b"][0]])
    """)
    message = pair.error(ONE)
    assert message.startswith("model.py fails on these inputs: line 7, in joined: ValueError: all the input")
    assert str(pair.directory) not in message


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return None", "model.py: preprocess returned NoneType, expected arrays by name"),
        ("return {'a': rows['a']}", "model.py: preprocess did not return 'b'"),
        (
            "return {**rows, 'aa': 1}",
            "model.py: preprocess returned 'aa' (did you mean 'a'?); expected 'a', 'b'",
        ),
        (
            "return {**rows, 'a': ['x']}",
            "model.py: preprocess returned 'a' of <U1, expected FP32",
        ),
        (
            "return {**rows, 'a': [1.5]}",
            "model.py: preprocess returned 'a' of shape [1], expected [-1, 2] (-1 is any size)",
        ),
        (
            "return {**rows, 'a': [[1], [2, 3]]}",
            "model.py fails on these inputs: ValueError: setting an array element with a sequence.",
        ),
        ("raise SystemExit(3)", "model.py fails on these inputs: line 2, in preprocess: SystemExit: 3"),
        (
            "open('/nowhere/at/all')",
            "line 2, in preprocess: FileNotFoundError: No such file or directory",
        ),
        (
            "rows['a'] *= 2",
            "model.py fails on these inputs: line 2, in preprocess: ValueError: output array is read-only",
        ),
    ],
)
def test_mistakes(pair: OwnCode, body: str, message: str) -> None:
    """Whatever a function does wrong is a clear 400."""
    pair.write(f"def preprocess(rows):\n    {body}\n")
    assert message in pair.error(ONE)


@pytest.mark.parametrize(
    ("datatype", "made", "message"),
    [
        ("BYTES", "[1]", "model.py: postprocess returned 'y' with int, expected only strings"),
        ("BYTES", "[None]", "model.py: postprocess returned 'y' with NoneType, expected only strings"),
        ("INT32", "[2**40]", "model.py: postprocess returned 'y' with numbers that INT32 cannot hold"),
        ("INT64", "[1.0]", "model.py: postprocess returned 'y' of float64, expected INT64"),
    ],
)
def test_datatypes(pair: OwnCode, datatype: str, made: str, message: str) -> None:
    """What is not of the declared datatype is refused, and never rounded or cut."""
    pair.write(f"""
    OUTPUTS = [("y", "{datatype}", [-1])]

    def postprocess(outputs, rows):
        return {{"y": {made}}}
    """)
    assert message == pair.error(ONE)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "import pandas_of_the_future",
            "line 1: ModuleNotFoundError: No module named 'pandas_of_the_future'",
        ),
        ("x = 1\ndef preprocess(rows)\n", "line 2: SyntaxError: expected ':'"),
        ("x = 1", "model.py has neither a function preprocess(rows) nor postprocess(outputs, rows)"),
        ("preprocess = 3", "model.py: preprocess is not a function"),
        (
            "INPUTS = [('x', 'FP32', [-1])]\npostprocess = print",
            "declares INPUTS, and has no function preprocess",
        ),
        ("OUTPUTS = 'y'\npostprocess = print", "OUTPUTS: expected a list of (name, datatype, shape)"),
        (
            "OUTPUTS = [('y', 'FP31', [-1])]\npostprocess = print",
            "OUTPUTS[0]: expected (name, datatype, shape)",
        ),
        ("OUTPUTS = [('y', 'FP32', [-1])] * 2\npostprocess = print", "OUTPUTS: expected every name once"),
    ],
)
def test_code_that_cannot_be_loaded(pair: OwnCode, code: str, message: str) -> None:
    """The model is unavailable, with the reason, in answers and in the index."""
    pair.write(code)
    answer = pair.predict(ONE)
    assert 503 == answer.status
    assert message in answer.error
    (entry,) = RealtimeFunction(pair.directory).post("/v2/repository/index").json()
    assert "UNAVAILABLE" == entry["state"]
    assert message in entry["reason"]


def test_code_that_does_not_end(pair: OwnCode) -> None:
    """It is stopped at the deadline, whatever it catches, and the next request is served."""
    pair.write("""
    def preprocess(rows):
        while rows["a"][0, 0] > 0:
            try:
                sum(range(1000))
            except Exception:
                pass
        return rows
    """)
    assert 200 == pair.predict({"a": [0, 0], "b": [0, 0]}).status
    started = time.monotonic()
    answer = pair.predict(ONE, milliseconds=2_500)
    assert time.monotonic() - started < 2.5
    assert 504 == answer.status
    assert answer.error.startswith("model.py did not end in time; send less at once, or ask for a job")


def test_code_without_memory(pair: OwnCode) -> None:
    """Code that asks for more memory than there is gets an answer of its own."""
    pair.write("def preprocess(rows):\n    raise MemoryError\n")
    answer = pair.predict(ONE)
    assert 413 == answer.status
    assert "model.py needs more memory than the function has; send less at once" == answer.error


def test_strings(tmp_path: Path) -> None:
    """BYTES are arrays of strings, both ways, also as NumPy makes them."""
    pair = OwnCode(tmp_path)
    add_model(tmp_path, "echo", identity("BYTES", ["rows"]))
    pair.write(
        """
        import numpy as np

        def preprocess(rows):
            return {"x": np.array([text.upper() for text in rows["x"]])}
        """,
        "echo/model.py",
    )
    body, headers = b"x\nhello\nthere\n", {"content-type": "text/csv"}
    answer = RealtimeFunction(tmp_path).post(PREDICT, body, headers, model="echo")
    assert b"y\r\nHELLO\r\nTHERE\r\n" == answer.body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def test_functions_are_not_renamed(pair: OwnCode) -> None:
    """A message names the function of `model.py`, whatever stands behind the name."""
    pair.write("preprocess = lambda rows: 3")
    assert pair.error(ONE).endswith("returned int, expected arrays by name")


CHURN = Path(__file__).parents[2] / "examples/churn"


def churn() -> Model:
    """Opens the example with its code."""
    files = VersionFiles("churn", 1, CHURN, CHURN / "model.py")
    return Model("churn", 1, ModelConfig(), open_session(files, ModelConfig(), SessionSettings()))


def test_example(tmp_path: Path) -> None:
    """The code in examples/ makes an offer for each customer who may leave."""
    add_model(tmp_path, "churn", (CHURN / "model.onnx").read_bytes())
    shutil.copy(CHURN / "model.py", tmp_path / "churn")
    customers, headers = (CHURN / "customers.csv").read_bytes(), {"content-type": "text/csv"}
    answer = RealtimeFunction(tmp_path).post(PREDICT, customers, headers, model="churn")
    offers = Counter(row.split(",")[1] for row in answer.body.decode().splitlines()[1:])
    leaves = (CHURN / "expected.csv").read_text().splitlines().count("leaves")
    assert {"none": 200 - leaves, "flat rate": 25, "discount": 40} == offers


ROWS = [f"{age},basic,3,120.5,4" for age in (20, 30, 17, 40, 50, 16, 60)]
BODY = "\n".join(["age,plan,months,minutes,calls", *ROWS, ""]).encode()


@pytest.mark.parametrize("first", [1, 10_000])
def test_refused_row_of_a_job(first: int) -> None:
    """A job from file to file fails with the number of the row in the file, whatever ran together."""
    request = JobRequest("text/csv")
    with pytest.raises(BadRequest, match=r"^row 3: customers under 18 get no offer"):
        transformed(churn(), BODY, request, sizes=Sizes(first, 10_000, 10_000))


def test_refused_records_of_a_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file sets refused records apart, and predicts for all others."""
    monkeypatch.setattr(batch_world, "models", lambda _name, _version: churn())
    world = BatchWorld(tmp_path)
    batch, file = world.dropped("churn/a.csv", BODY, {"join": "age"})
    for chunk in world.chunks(batch, file, 10_000):
        world.transform(batch, chunk)
    (part,) = world.store.parts(batch.id)
    errors = [orjson.loads(line) for line in (world.work.get(part.errors or "") or b"").splitlines()]
    assert [(3, "customers under 18 get no offer"), (6, "customers under 18 get no offer")] == [
        (error["record"], error["reason"]) for error in errors
    ]
    rows = (world.work.get(part.output or "") or b"").splitlines()
    assert [b"20", b"30", b"40", b"50", b"60"] == [row.split(b",")[0] for row in rows]


def test_raw() -> None:
    """The model's own tensors are there too, past the code."""
    assert ["risk", "offer"] == [spec.name for spec in churn().signature.outputs]
    assert ["label", "probabilities"] == [spec.name for spec in churn().raw.signature.outputs]
