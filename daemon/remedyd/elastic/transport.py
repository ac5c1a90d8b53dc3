"""Three things the official client does not let a caller decide, mended at its transport.

The client of generation 9 asks for REST API 9 in its media types, which an 8.x server refuses;
its methods reset the headers, so they are rewritten where requests leave. And it turns `Warning`
headers into Python warnings, which are process-wide: here they are moved to another header, from
which the caller of this very request reads them. And it asks only the first answer whether it comes
from Elasticsearch, though a proxy may step in between at any time.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from elastic_transport import ApiResponseMeta, HttpHeaders, Transport, TransportApiResponse
from elasticsearch import UnsupportedProductError

_GENERATION = re.compile(r"compatible-with=\d+")
_CAPTURED = "x-captured-warning"
_WARNING = re.compile(r'\d{3} [^" ]+ "((?:[^"\\]|\\.)*)"')


class CompatibleTransport(Transport):
    """Sends what the client says; keeps `Warning` headers for `warnings_of`."""

    generation = 9

    def perform_request(self, method: str, target: str, **options: Any) -> TransportApiResponse:
        """Send one request."""
        headers: Mapping[str, str] = options.get("headers") or {}
        asked = f"compatible-with={self.generation}"
        options["headers"] = HttpHeaders(
            {name: _GENERATION.sub(asked, value) for name, value in headers.items()}
        )
        response = super().perform_request(method, target, **options)
        _refuse_others(response)
        return TransportApiResponse(_without_warnings(response.meta), response.body)


class EightTransport(CompatibleTransport):
    """Asks for REST API 8, which servers 8 and 9 both speak."""

    generation = 8


def warnings_of(meta: ApiResponseMeta) -> tuple[str, ...]:
    """Return the texts of the response's `Warning` headers, unquoted, each once."""
    raw = meta.headers.get(_CAPTURED) or ""
    texts = [unquote(re.sub(r"\\(.)", r"\1", text)) for text in _WARNING.findall(raw)]
    if raw and not texts:
        texts = [raw]
    return tuple(dict.fromkeys(texts))


def _refuse_others(response: TransportApiResponse) -> None:
    """Raise unless it is Elasticsearch that answered; the client itself looks at the first only."""
    meta = response.meta
    if 200 <= meta.status < 300 and meta.headers.get("x-elastic-product") != "Elasticsearch":
        raise UnsupportedProductError("not Elasticsearch", meta=meta, body=response.body)


def _without_warnings(meta: ApiResponseMeta) -> ApiResponseMeta:
    if "warning" not in meta.headers:
        return meta
    headers = {name: value for name, value in meta.headers.items() if name.lower() != "warning"}
    headers[_CAPTURED] = meta.headers["warning"]
    return ApiResponseMeta(
        status=meta.status,
        http_version=meta.http_version,
        headers=HttpHeaders(headers),
        duration=meta.duration,
        node=meta.node,
    )
