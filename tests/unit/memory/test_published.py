import pytest

from harness.memory.published import compare, compared, digits_like, load_published

PUBLISHED = load_published()
ROWS = [
    pytest.param(table.at, row, id=f"{table.at}-{row.printed.name}".replace(" ", "_"))
    for table, rows in compared(PUBLISHED)
    for row in rows
]


@pytest.mark.parametrize(("at", "row"), ROWS)
def test_arithmetic_gives_the_printed_digits_and_nothing_else_claims_to(at, row):
    if row.printed.value_class == "arithmetic":
        assert row.ours == row.printed.printed
    elif row.printed.value_class == "not_reached":
        assert row.ours is not None
        assert not row.equal
        assert row.printed.note is not None
    else:
        assert row.printed.key is None


def test_each_note_is_there_and_used():
    used = {row.note for table in PUBLISHED.tables for row in table.rows if row.note}
    assert used == set(PUBLISHED.notes)


def test_no_reading_gives_all_of_table_9():
    rows = [compare(printed) for printed in PUBLISHED.table("Table 9").rows]
    for reading in dict(rows[0].others):
        assert any(dict(row.others)[reading] != row.printed.printed for row in rows)
    assert dict(rows[0].others)["nearest"] == "1.98"


@pytest.mark.parametrize(
    ("value", "printed", "digits"),
    [(1.975, "1.98", "1.98"), (0.99985, "0.9999", "0.9999"), (30.0, "7", "30"), (2.5, "2", "3")],
)
def test_digits_are_rounded_half_up(value, printed, digits):
    assert digits_like(value, printed) == digits
