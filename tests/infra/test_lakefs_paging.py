"""Pages of keys, against the plain way of making them."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from infra.lakefs.paging import Query, page

_TEXT = st.lists(st.sampled_from([b"a", b"b", b"/", b"\xc3\xa9", b"\xff"]), max_size=5).map(
    b"".join
)
_KEYS = st.sets(_TEXT.filter(bool), max_size=20)


def _plain(keys: set[bytes], prefix: bytes, delimiter: bytes, after: bytes) -> list[bytes]:
    """All keys and common prefixes behind `after`, made from the whole list."""
    entries = set()
    for key in keys:
        if key.startswith(prefix):
            at = key.find(delimiter, len(prefix)) if delimiter else -1
            entries.add(key[: at + len(delimiter)] if at >= 0 else key)
    return sorted(entry for entry in entries if entry > after)


@given(
    keys=_KEYS,
    prefix=_TEXT,
    delimiter=st.sampled_from([b"", b"/", b"a", b"//"]),
    after=_TEXT,
    amount=st.integers(1, 6),
)
def test_pages_add_up_to_the_plain_listing(keys, prefix, delimiter, after, amount) -> None:
    def seek(start: bytes) -> Iterator[tuple[bytes, bytes]]:
        return ((key, key) for key in sorted(keys) if key >= start)

    wanted = _plain(keys, prefix, delimiter, after)
    found: list[bytes] = []
    more = True
    while more:
        got = page(Query(prefix, found[-1] if found else after, delimiter, amount), seek)
        found += [key for key, _ in got.results]
        more = got.has_more
        assert len(got.results) == amount or not more
        assert all(value in {None, key} for key, value in got.results)
    assert found == wanted
