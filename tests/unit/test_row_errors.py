"""Errors about rows: numbers and reasons are data, the message is made of them."""

from triptych.errors import BadRequest, BadRows, RowError


def test_a_row_of_a_block_is_a_row_of_the_file() -> None:
    """The rows before a block are added to the number; the reason stays."""
    error = RowError(2, "column 'x': expected a number", ", ")
    assert "row 2, column 'x': expected a number" == str(error)
    later = error.after(100)
    assert "row 102, column 'x': expected a number" == str(later)
    assert (102, error.reason, BadRequest.kind) == (later.row, later.reason, later.kind)


def test_several_bad_rows() -> None:
    """The message is about the first of them; in a file all of them move."""
    error = BadRows({7: "is not valid JSON", 3: "is blank"}, " ")
    assert (3, "is blank", "row 3 is blank") == (error.row, error.reason, str(error))
    later = error.after(10)
    assert {17: "is not valid JSON", 13: "is blank"} == later.reasons
    assert "row 13 is blank" == str(later)
