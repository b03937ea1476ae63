"""Route groups of inference: what a caller of models needs. Closed tables (SEC-40).

The names and their entries are the peer's (LiteLLM 1.106), so that operators recognize them; a new
route of an upstream is denied until it is listed here. Entries with a query are left out: a query
takes part in no rule. The pass-through groups stay apart from all others: behind them stands every
route of a foreign provider, and no model table knows what is called there.
"""


def _table(text: str) -> tuple[str, ...]:
    return tuple(text.split())


OPENAI_ROUTES = _table(
    """
    /engines/{model}/chat/completions /openai/deployments/{model}/chat/completions /chat/completions
    /v1/chat/completions /cursor/chat/completions /cursor/models /cursor/v1/models
    /engines/{model}/completions /openai/deployments/{model}/completions /completions
    /v1/completions /engines/{model}/embeddings /openai/deployments/{model}/embeddings /embeddings
    /v1/embeddings /images/generations /v1/images/generations /images/edits /v1/images/edits /videos
    /v1/videos /videos/{video_id} /v1/videos/{video_id} /videos/{video_id}/content
    /v1/videos/{video_id}/content /videos/{video_id}/remix /v1/videos/{video_id}/remix
    /audio/transcriptions /v1/audio/transcriptions /audio/speech /v1/audio/speech /moderations
    /v1/moderations /v1/batches /batches /v1/batches/{batch_id} /batches/{batch_id}
    /v1/batches/{batch_id}/cancel /batches/{batch_id}/cancel /v1/files /files /v1/files/{file_id}
    /files/{file_id} /v1/files/{file_id}/content /files/{file_id}/content /fine_tuning/jobs
    /v1/fine_tuning/jobs /fine_tuning/jobs/{fine_tuning_job_id}/cancel
    /v1/fine_tuning/jobs/{fine_tuning_job_id}/cancel /assistants /v1/assistants
    /v1/assistants/{assistant_id} /assistants/{assistant_id} /threads /v1/threads
    /threads/{thread_id} /v1/threads/{thread_id} /threads/{thread_id}/messages
    /v1/threads/{thread_id}/messages /threads/{thread_id}/runs /v1/threads/{thread_id}/runs /models
    /v1/models /utils/token_counter /utils/model_info /utils/transform_request /rerank /v1/rerank
    /v2/rerank /realtime /v1/realtime /openai/v1/realtime /realtime/client_secrets
    /v1/realtime/client_secrets /openai/v1/realtime/client_secrets /realtime/calls
    /v1/realtime/calls /openai/v1/realtime/calls /realtime/transcription_sessions
    /v1/realtime/transcription_sessions /openai/v1/realtime/transcription_sessions /responses
    /v1/responses /openai/v1/responses /responses/{response_id} /v1/responses/{response_id}
    /openai/v1/responses/{response_id} /responses/{response_id}/input_items
    /v1/responses/{response_id}/input_items /openai/v1/responses/{response_id}/input_items
    /responses/{response_id}/cancel /v1/responses/{response_id}/cancel
    /openai/v1/responses/{response_id}/cancel /responses/input_tokens /v1/responses/input_tokens
    /openai/v1/responses/input_tokens /vector_stores /v1/vector_stores
    /vector_stores/{vector_store_id} /v1/vector_stores/{vector_store_id}
    /vector_stores/{vector_store_id}/search /v1/vector_stores/{vector_store_id}/search
    /vector_stores/{vector_store_id}/files /v1/vector_stores/{vector_store_id}/files
    /vector_stores/{vector_store_id}/files/{file_id}
    /v1/vector_stores/{vector_store_id}/files/{file_id}
    /vector_stores/{vector_store_id}/files/{file_id}/content
    /v1/vector_stores/{vector_store_id}/files/{file_id}/content /vector_store/list
    /v1/vector_store/list /search /v1/search /search/{search_tool_name}
    /v1/search/{search_tool_name} /decisions /v1/decisions /systemone /v1/systemone /ocr /v1/ocr
    /containers /v1/containers /containers/* /v1/containers/*
    """
)

ANTHROPIC_ROUTES = _table(
    """
    /v1/messages /v1/messages/count_tokens /claude_code_gateway/v1/messages
    /claude_code_gateway/v1/messages/count_tokens /v1/skills /v1/skills/{skill_id}
    /claude-code/marketplace.json /claude-code/plugins /claude-code/plugins/{plugin_name}
    """
)

GOOGLE_ROUTES = _table(
    """
    /v1beta/models/{model_name:path}:countTokens /v1beta/models/{model_name:path}:generateContent
    /v1beta/models/{model_name:path}:streamGenerateContent /models/{model_name:path}:countTokens
    /models/{model_name:path}:generateContent /models/{model_name:path}:streamGenerateContent
    /interactions /v1beta/interactions /interactions/{interaction_id}
    /v1beta/interactions/{interaction_id} /interactions/{interaction_id}/cancel
    /v1beta/interactions/{interaction_id}/cancel /v1beta/agents /v1beta/agents/{name}
    /v1beta/agents/{name}/versions
    """
)

LITELLM_NATIVE_ROUTES = _table(
    """
    /rag/ingest /v1/rag/ingest /rag/query /v1/rag/query /lens /lens/{lens_id} /lens/{lens_id}/runs
    /lens/{lens_id}/runs/{job_id} /lens/{lens_id}/executions/{execution_id} /lens/{lens_id}/cancel
    /lens/{lens_id}/findings/{finding_id} /lens/feedback /lens/feedback/summary /lens/preview/sample
    /lens/workers/register /lens/workers/{worker_id} /v1/traces /v1/logs /v1/traces/query
    /v1/traces/query/help /v1/traces/{trace_id} /v1/traces/{trace_id}/spans/{span_id}
    /v1/traces/{trace_id}/spans/{span_id}/error
    """
)

MCP_INFERENCE_ROUTES = _table(
    """
    /mcp /mcp/ /mcp/sse/ /mcp/sse/messages /mcp/sse/messages/ /mcp/proxy /mcp/{subpath} /mcp/tools
    /mcp/tools/list /mcp/tools/call /mcp-rest/tools/list /mcp-rest/tools/call /v1/mcp/tools
    /introspect /token
    """
)

AGENT_INFERENCE_ROUTES = _table(
    """
    /agents /a2a/{agent_id} /a2a/{agent_id}/message/send /v1/a2a/{agent_id}/message/send
    /a2a/{agent_id}/message/stream /a2a/{agent_id}/.well-known/agent-card.json
    """
)

APPLY_GUARDRAIL_ROUTES = _table(
    """
    /guardrails/apply_guardrail
    """
)

MODEL_INFO_ROUTES = _table(
    """
    /model/info /v1/model/info /model_group/info
    """
)

MAPPED_PASS_THROUGH_ROUTES = _table(
    """
    /bedrock /comprehendmedical /azure_speech /transcribe /vertex-ai /vertex_ai /cohere /cursor
    /gemini /anthropic /langfuse /azure /azure_ai /openai /openai_passthrough /assemblyai
    /eu.assemblyai /tinyfish /vllm /mistral /typesafe /laya /bespoke /openrouter /milvus /gigachat
    /watsonx /nvidia_nim /deepgram /fal_ai
    """
)

PASSTHROUGH_ROUTES_WILDCARD = _table(
    """
    /bedrock/* /comprehendmedical/* /azure_speech/* /transcribe/* /vertex-ai/* /vertex_ai/*
    /cohere/* /cursor/* /gemini/* /anthropic/* /langfuse/* /azure/* /azure_ai/* /openai/*
    /openai_passthrough/* /assemblyai/* /eu.assemblyai/* /tinyfish/* /vllm/* /mistral/* /typesafe/*
    /laya/* /bespoke/* /openrouter/* /milvus/* /gigachat/* /watsonx/* /nvidia_nim/* /deepgram/*
    /fal_ai/*
    """
)
