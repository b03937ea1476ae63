"""What of a role's routes a permission leaves."""

import pytest

from gatepass.plugin.importers.litellm_routes import narrowed


@pytest.mark.parametrize(
    ("asked", "base", "kept"),
    [
        (["/mcp/{p:path}"], ["/mcp/{p}"], ["/mcp/{p}"]),
        (["/mcp/{p:path}"], ["/mcp/{p}/{q}"], ["/mcp/{p}/{q}"]),
        (["/mcp/{p:path}/x"], ["/mcp/{p}/x"], ["/mcp/{p}/x"]),
        (["/mcp/{p:path}"], ["/mcp/*"], ["/mcp/{p:path}"]),
        (["/mcp/*"], ["/mcp/{p:path}"], ["/mcp/{p:path}"]),
        (["/mcp/*"], ["/mcp/{p}", "/mcp/{p}/{q}"], ["/mcp/{p}", "/mcp/{p}/{q}"]),
        (["/key/x/regenerate"], ["/key/{k}/regenerate"], ["/key/x/regenerate"]),
        (["GET /key/{k}"], ["/key/{k}"], ["GET /key/{k}"]),
        (["GET /key/x", "POST /key/x"], ["/key/x"], ["GET /key/x", "POST /key/x"]),
    ],
)
def test_sec_39_narrowed_routes_lie_in_both_lists(
    asked: list[str], base: list[str], kept: list[str]
) -> None:
    assert narrowed(asked, base) == kept
    assert sorted(narrowed(base, asked)) == sorted(kept)
