import re

import pytest

from gatepass.rbac.errors import AccessDenied
from gatepass.rbac.model_use import _KNOWN, ModelUse, model_in_path, model_use
from gatepass.rbac.route_groups import ROUTE_GROUPS
from gatepass.rbac.routes import read_path

INFERENCE = (
    "/v1/chat/completions",
    "/chat/completions",
    "/cursor/chat/completions",
    "/v1/completions",
    "/v1/embeddings",
    "/v1/images/generations",
    "/v1/images/edits",
    "/v1/videos",
    "/v1/audio/transcriptions",
    "/v1/audio/speech",
    "/v1/moderations",
    "/v1/responses",
    "/openai/v1/responses",
    "/v1/responses/input_tokens",
    "/v1/rerank",
    "/v2/rerank",
    "/v1/ocr",
    "/v1/realtime/client_secrets",
    "/v1/realtime/calls",
    "/v1/messages",
    "/v1/messages/count_tokens",
    "/interactions",
    "/rag/query",
    "/v1/rag/ingest",
)
UNKNOWN = (
    "/",
    "/v1/a_route_of_tomorrow",
    "/V1/FILES",
    "/v1/filesx",
    "/anthropic/v1/messages",
    "/bedrock/model/m",
    "/mcpx",
    "/models/gemini-pro",
    "/v1/models/gemini-pro",
    "/public/a",
)
NAMELESS = (
    "/key/generate",
    "/team/new",
    "/model/new",
    "/user/info",
    "/v1/models",
    "/model/info",
    "/global/spend/report",
    "/spend/calculate",
    "/organization/member_add",
    "/guardrails/apply_guardrail",
    "/mcp",
    "/mcp/tools/call",
    "/mcp-rest/tools/call",
    "/v1/mcp/server/a/b",
    "/v1/files",
    "/files",
    "/v1/files/f1/content",
    "/v1/containers",
    "/containers/c1/files",
    "/v1/batches/b1/cancel",
    "/v1/fine_tuning/jobs/j1/cancel",
    "/v1/responses/r1/cancel",
    "/openai/v1/responses/r1/cancel",
    "/v1beta/interactions/i1/cancel",
    "/v1/skills",
    "/v1/traces",
    "/v1/logs",
)
SOMETIMES = (
    "/v1/batches",
    "/batches",
    "/v1/assistants",
    "/assistants/a1",
    "/v1/threads",
    "/v1/threads/runs",
    "/threads/t1/runs",
    "/v1/threads/t1/messages",
    "/v1/fine_tuning/jobs",
    "/v1/vector_stores",
    "/v1/vector_stores/v1/search",
    "/v1/search",
    "/search/tool",
    "/v1/videos/v1/remix",
    "/a2a/agent/message/send",
    "/v1beta/agents",
    "/lens/l1/runs",
)


@pytest.mark.parametrize(
    ("use", "paths"),
    [
        (ModelUse.REQUIRED, INFERENCE),
        (ModelUse.REQUIRED, UNKNOWN),
        (ModelUse.NONE, NAMELESS),
        (ModelUse.OPTIONAL, SOMETIMES),
    ],
    ids=["inference", "unknown", "nameless", "sometimes"],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_sec_58_which_bodies_name_a_model(
    method: str, use: ModelUse, paths: tuple[str, ...]
) -> None:
    assert {path: model_use(method, path) for path in paths} == dict.fromkeys(paths, use)


@pytest.mark.parametrize("method", ["post", "", "QUERY", "TRACE", "get"])
def test_sec_58_a_method_that_nobody_knows_has_a_body(method: str) -> None:
    assert model_use(method, "/v1/chat/completions") is ModelUse.REQUIRED


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", [*INFERENCE, *UNKNOWN, *NAMELESS, *SOMETIMES])
def test_methods_without_a_body_name_none(method: str, path: str) -> None:
    assert model_use(method, path) is ModelUse.NONE


STREAMS = (
    "/realtime",
    "/v1/realtime",
    "/openai/v1/realtime",
    "/openai_passthrough/v1/realtime",
    "/azure/openai/realtime",
    "/vertex_ai/live",
    "/vertex-ai/live",
    "/deepgram/v1/listen",
)


@pytest.mark.parametrize("path", STREAMS)
def test_sec_58_a_stream_that_get_opens_names_a_model_where_nobody_reads_it(path: str) -> None:
    assert model_use("GET", path) is ModelUse.REQUIRED
    assert model_use("OPTIONS", path) is ModelUse.NONE
    assert model_use("GET", path + "/x") is ModelUse.NONE or path.startswith("/deepgram/")


PATHS_WITH_MODELS = {
    "/engines/gpt-4o/chat/completions": "gpt-4o",
    "/v1/engines/gpt-4o/embeddings": "gpt-4o",
    "/engines/openai/gpt-4o/completions": "openai/gpt-4o",
    "/engines/gpt-4o/a/route/of/tomorrow": "gpt-4o",
    "/openai/deployments/gpt-4o/chat/completions": "gpt-4o",
    "/openai/deployments/bedrock/nova/embeddings": "bedrock/nova",
    "/openai/deployments/gpt-image/images/generations": "gpt-image",
    "/openai/deployments/whisper/audio/translations": "whisper",
    "/openai/deployments/gpt%3A4o/chat/completions": "gpt:4o",
    "/openai/deployments/a%20b/chat/completions": "a b",
    "/azure/openai/deployments/gpt-4o/chat/completions": "gpt-4o",
    "/models/gemini-pro:generateContent": "gemini-pro",
    "/v1beta/models/gemini-pro:streamGenerateContent": "gemini-pro",
    "/v1beta/models/gemini-pro:countTokens": "gemini-pro",
    "/v1beta/models/gemini-pro%3agenerateContent": "gemini-pro",
    "/v1beta/models/google/gemini-pro:generateContent": "google/gemini-pro",
    "/v1beta/models/text-embedding:batchEmbedContents": "text-embedding",
    "/v1beta/models/a:b:generateContent": "a:b",
    "/gemini/v1beta/models/gemini-pro:generateContent": "gemini-pro",
    "/vertex_ai/v1/projects/p/locations/l/publishers/google/models/g:rawPredict": "g",
    "/vertex-ai/v1/projects/p/locations/l/endpoints/77:predict": "77",
    "/bedrock/model/us.amazon.nova-v1:0/invoke": "us.amazon.nova-v1:0",
    "/bedrock/model/a/b/converse-stream": "a/b",
}


@pytest.mark.parametrize(("path", "model"), PATHS_WITH_MODELS.items())
def test_sec_58_a_path_that_names_a_model(path: str, model: str) -> None:
    assert read_path(path.encode()) == path
    assert model_in_path(path) == model
    assert model_use("POST", path) is ModelUse.OPTIONAL


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1/chat/completions",
        "/engines/gpt-4o",
        "/engines//x",
        "/v1/models/gpt-4o",
        "/v1/models/ft:gpt-4o:acme::abc",
        "/v1beta/models/gemini-pro",
        "/v1beta/models/:generateContent",
        "/v1beta/models/gemini-pro:generateContent/x",
        "/v1beta/models/gemini-pro:generateContents",
        "/x/v1beta/models/gemini-pro:generateContent",
        "/bedrock/model/m",
        "/model/new",
        "/model/m/update",
    ],
)
def test_paths_that_name_no_model(path: str) -> None:
    assert model_in_path(path) is None


def test_sec_58_every_template_of_the_groups_with_a_model_is_read() -> None:
    seen = 0
    for entries in ROUTE_GROUPS.values():
        for entry in entries:
            if "{model}" in entry or "{model_name:path}" in entry:
                path = re.sub(r"\{model(_name:path)?\}", "some-model", entry)
                assert model_in_path(path) == "some-model"
                seen += 1
    assert seen >= 12


def test_no_path_that_the_groups_write_out_names_a_model() -> None:
    for path in _KNOWN:
        assert model_in_path(path) is None
        assert model_use("POST", path) is _KNOWN[path]


def test_a_model_in_a_path_may_be_anything_and_is_left_to_the_judge() -> None:
    for encoded in ("a%2Cb", "%20", "*"):
        path = f"/engines/{encoded}/completions"
        assert model_in_path(path) in {"a,b", " ", "*"}
    with pytest.raises(AccessDenied):
        read_path(b"/engines/a%2Fb/completions")
