import pytest

from gatepass.jwks.caching import entity_tag, fresh_seconds


def _headers(*lines: bytes) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, _, value in (line.partition(b": ") for line in lines)]


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        ([], None),
        ([b"cache-control: "], None),
        ([b"cache-control: public"], None),
        ([b"cache-control: max-age=3600"], 3600),
        ([b"cache-control: public, Max-Age=3600, must-revalidate"], 3600),
        ([b'cache-control: max-age="60"'], 60),
        ([b"cache-control: max-age=60,max-age=30"], 30),
        ([b"cache-control: max-age=60", b"cache-control: max-age=90"], 60),
        ([b"cache-control: max-age=60", b"age: 20"], 40),
        ([b"cache-control: max-age=60", b"age: 100"], 0),
        ([b"cache-control: max-age=60", b"age: -5"], 60),
        ([b"cache-control: max-age=60", b"age: 5", b"age: 50"], 55),
        ([b"age: 20"], None),
        ([b"cache-control: max-age=0"], 0),
        ([b"cache-control: no-cache"], 0),
        ([b"cache-control: max-age=60, no-store"], 0),
        ([b'cache-control: private="max-age=1", max-age=60'], 60),
        ([b"cache-control: x-max-age=1"], None),
        ([b"cache-control: s-maxage=1"], None),
        ([b"cache-control: max-age"], None),
        ([b"cache-control: max-age=-1"], None),
        ([b"cache-control: max-age=1e3"], None),
        ([b"cache-control: max-age=" + b"9" * 5000], None),
        ([b"expires: Thu, 01 Jan 1970 00:00:00 GMT"], None),
    ],
)
def test_how_long_an_answer_is_good(lines: list[bytes], seconds: float | None) -> None:
    assert fresh_seconds(_headers(*lines)) == seconds


@pytest.mark.parametrize("tag", [b'"v1"', b'W/"v1"', b'""', b'"' + b"x" * 254 + b'"'])
def test_an_entity_tag_is_passed_back_as_it_came(tag: bytes) -> None:
    assert entity_tag([(b"etag", tag), (b"etag", b'"second"')]) == tag


@pytest.mark.parametrize(
    "tag", [b"", b"v1", b'"v1', b'w/"v1"', b'"v 1"', b'"v"1"', b'"\xe4"', b'"' + b"x" * 255 + b'"']
)
def test_what_has_not_the_form_of_an_entity_tag_is_not_passed_back(tag: bytes) -> None:
    assert entity_tag([(b"etag", tag)]) is None
    assert entity_tag([]) is None
