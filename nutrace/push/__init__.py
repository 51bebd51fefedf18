"""Send run files to an OpenTelemetry collector, Jaeger or Tempo."""

from nutrace.push.delivery import Options, Summary, push
from nutrace.push.endpoint import Endpoint, find_endpoint

__all__ = ["Endpoint", "Options", "Summary", "find_endpoint", "push"]
