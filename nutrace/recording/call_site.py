"""What all spans of one probed function have in common, worked out once."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional, Tuple

from nutrace import semconv


class CallSite:
    """The name, component and attributes of one function's spans.

    Parameters
    ----------
    name:
        Of the spans.
    component:
        One of :data:`nutrace.semconv.COMPONENTS`.
    function, file, line:
        Qualified name of the function and where its code is; empty or 0 if that is unknown.
    kind:
        In OTLP's numbering: 1 internal ... 5 consumer.
    scope:
        Name and version of the instrumentation scope.
    attributes:
        That all of its spans have.
    of_method:
        Whether the function is a method, which is looked up in its class for each call.
    """

    __slots__ = (
        "_database",
        "attributes",
        "component",
        "given",
        "kind",
        "name",
        "of_method",
        "scope",
        "step",
        "target",
    )

    def __init__(
        self,
        name: str,
        component: str,
        *,
        function: str = "",
        file: str = "",
        line: int = 0,
        kind: int = 1,
        scope: Tuple[str, str] = (semconv.SCOPE, ""),
        attributes: Optional[Mapping[str, Any]] = None,
        of_method: bool = False,
    ) -> None:
        self.name = name
        self.component = component
        self.kind = kind
        self.scope = scope
        self.step = name == semconv.STEP_SPAN
        self.target = (function, file, line)
        self.of_method = of_method
        self.attributes: Mapping[str, Any] = attributes or {}
        self.given: Dict[Any, CallSite] = {}  # call sites for generators that calls return, by their code
        self._database: Optional[CallSite] = None

    def with_attributes(self, attributes: Mapping[str, Any]) -> CallSite:
        """This call site, or its twin in the component database if the attributes are a query's."""
        if self.component != "other" or not (
            semconv.OLD_DB_SYSTEM in attributes or semconv.DB_SYSTEM in attributes
        ):
            return self
        if self._database is None:
            self._database = CallSite(self.name, "database", kind=self.kind, scope=self.scope)
        return self._database
