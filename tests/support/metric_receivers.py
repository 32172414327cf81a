"""Receivers of Airflow's metrics: a StatsD server on UDP, and an OTLP one on HTTP."""

from __future__ import annotations

import gzip
import socket
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

Tags = frozenset[tuple[str, str]]
Values = dict[tuple[str, Tags], float]
"""The last value of each gauge and the sum of each counter, by name and tags."""


class Receiver(ABC):
    """A context manager: it listens on a free port of the loopback address inside the block."""

    variables: Mapping[str, str]
    """The settings with which Airflow sends its metrics here."""

    def __init__(self) -> None:
        self.values: Values = {}

    @abstractmethod
    def stop(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def named(self, prefix: str) -> Values:
        return {key: value for key, value in list(self.values.items()) if key[0].startswith(prefix)}

    def _note(self, name: str, tags: Mapping[str, str], value: float, *, is_counter: bool) -> None:
        key = name, frozenset(tags.items())
        self.values[key] = value + (self.values.get(key, 0) if is_counter else 0)


class StatsdReceiver(Receiver):
    def __init__(self) -> None:
        super().__init__()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._socket.bind(("127.0.0.1", 0))
        self.variables = {
            "AIRFLOW__METRICS__STATSD_ON": "True",
            "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
            "AIRFLOW__METRICS__STATSD_PORT": str(self._socket.getsockname()[1]),
            "AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED": "True",
        }
        threading.Thread(target=self._listen, daemon=True).start()

    def stop(self) -> None:
        self._socket.close()

    def _listen(self) -> None:
        while True:
            try:
                packet = self._socket.recv(65_535)
            except OSError:
                return
            for line in packet.decode().splitlines():
                series, _, measured = line.rpartition(":")
                name, *tags = series.split(",")
                value, kind, *_ = measured.split("|")
                self._note(name, dict(tag.split("=", 1) for tag in tags), float(value), is_counter=kind == "c")


class OtlpReceiver(Receiver):
    def __init__(self) -> None:
        super().__init__()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                receiver._take(ExportMetricsServiceRequest.FromString(body))
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.end_headers()
                self.wfile.write(ExportMetricsServiceResponse().SerializeToString())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.variables = {
            "AIRFLOW__METRICS__OTEL_ON": "True",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self._server.server_port}",
        }
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _take(self, request: ExportMetricsServiceRequest) -> None:
        for resource in request.resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    for tags, value in _points(metric):
                        self._note(metric.name, tags, value, is_counter=False)


def _points(metric: Metric) -> Iterator[tuple[dict[str, str], float]]:
    """Yield tags and value of each point; histograms are left out."""
    for point in [*metric.gauge.data_points, *metric.sum.data_points]:
        tags = {attribute.key: attribute.value.string_value for attribute in point.attributes}
        yield tags, point.as_int if point.HasField("as_int") else point.as_double
