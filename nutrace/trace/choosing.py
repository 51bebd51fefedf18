"""The parts of a trace that one asks for: each is a trace again, with everything that a trace can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Collection, List, Mapping, Optional, Sequence, Tuple, Union, cast

from nutrace.trace.views import Steps

if TYPE_CHECKING:
    from nutrace.trace.trace import Trace


class Choosing:
    """Selections of spans.

    The outermost spans that are chosen become roots, and everything below them stays; :meth:`pruned` and
    :meth:`merged` leave roots and have fewer spans. Scenarios and steps keep their numbers. What made the
    selection is in ``selection``. The modules that make traces are imported where they are used: they import
    traces themselves.
    """

    @property
    def _trace(self) -> Trace:
        return cast("Trace", self)

    def select(
        self,
        steps: Optional[Steps] = None,
        component: Optional[str] = None,
        scenario: Optional[Union[str, int]] = None,
    ) -> Trace:
        """Scenarios, their steps, or a component, as ``--scenario`` and ``--steps`` of the commands select.

        >>> trace.select(steps="1:3")  # of all scenarios
        <Trace 'run.json', steps 1 to 2 of each of 4 scenarios: 144 spans, 8 steps>
        >>> trace.select(scenario="stationary_in_traffic", component="planner").selection
        'scenario 51c342505f877031 (stationary_in_traffic), component planner'

        Parameters
        ----------
        steps:
            Iterations, in each of the scenarios: ``"10:20"`` is 10 to 19, ``"10:"`` 10 to the last; or a
            range, or one of them.
        component:
            A component's name: its outermost spans.
        scenario:
            The number of one, from 1; or text: a token or its beginning, a type, or a number.

        Raises
        ------
        UsageError
            If there is no such scenario, no such step, or no span of that component.
        """
        from nutrace.trace.selection import select

        return select(self._trace, steps, component, scenario)

    def where(
        self,
        *,
        name: Optional[Union[str, Sequence[str]]] = None,
        component: Optional[Union[str, Sequence[str]]] = None,
        path: Optional[str] = None,
        scenario: Optional[Union[str, int]] = None,
        steps: Optional[Steps] = None,
        between_s: Optional[Tuple[float, float]] = None,
        at_least_ms: Optional[float] = None,
        attributes: Optional[Mapping[str, Any]] = None,
        failed: Optional[bool] = None,
    ) -> Trace:
        """The spans for which all that is given is so, and everything below them.

        >>> trace.where(component="database", at_least_ms=5)
        <Trace 'run.json', component database, of 5 ms or more: 1 spans, 0 steps>
        >>> trace.where(path="observation.update > scenario.*").costs().calls.head(1).to_dict()
        {('sqlite3.statement', 'database'): 34}
        >>> len(trace.where(name="planner.compute", between_s=(35, 35.5)).roots)  # began in that half second
        19

        Parameters
        ----------
        name, component:
            One, or several of which one is enough; ``*``, ``?`` and ``[...]`` as in a shell.
        path:
            Names with ``>`` between them: the span's and those of the spans right above it.
        scenario, steps:
            As in :meth:`select`.
        between_s:
            When the span began: from the first number of seconds since this trace began, up to, not
            including, the second.
        at_least_ms:
            The least total time of a span, in milliseconds.
        attributes:
            Attributes that the span has, with these values.
        failed:
            Whether an error left the span.

        Raises
        ------
        UsageError
            If there is no such span, name or component.
        """
        from nutrace.trace.finding import where

        return where(
            self._trace,
            name=name,
            component=component,
            path=path,
            scenario=scenario,
            steps=steps,
            between_s=between_s,
            at_least_ms=at_least_ms,
            attributes=attributes,
            failed=failed,
        )

    def find(self, words: str) -> Trace:
        """The spans whose name, component, function or file has all of these words in it.

        Upper and lower case are the same, as in the search of the flamegraph page, which also looks into
        attributes.

        >>> trace.find("traffic light")
        <Trace 'run.json', traffic light: 159 spans, 0 steps>

        Raises
        ------
        UsageError
            If there is none, or there are no words.
        """
        from nutrace.trace.finding import find

        return find(self._trace, words)

    def step(self, scenario: Union[str, int, Tuple[int, int]], step: Optional[int] = None) -> Trace:
        """One step, by its scenario and its iteration.

        >>> trace.step("51c342505f877031", 2).selection
        'step 2 of scenario 51c342505f877031 (stationary_in_traffic)'
        >>> steps = trace.steps()
        >>> trace.step(steps.collection_ms.idxmax()).selection  # a row's label is (scenario, step)
        'step 7 of scenario 51c342505f877031 (stationary_in_traffic)'

        Parameters
        ----------
        scenario:
            A token or its beginning, or the scenario's number. In a run of one scenario it may be left out:
            ``trace.step(2)``. Or the label of a row of :meth:`steps`, which says both.
        step:
            The iteration.

        Raises
        ------
        UsageError
            If there is no such step, or it is not said of which scenario.
        """
        from nutrace.trace.finding import step as one_step

        return one_step(self._trace, scenario, step)

    def slowest(self, count: int = 5) -> List[Trace]:
        """The finished steps that took longest, the slowest first; each is a trace.

        >>> for step in trace.slowest(2):
        ...     print(step)
        <Trace 'run.json', step 8 of scenario 51c342505f877031 (stationary_in_traffic): 17 spans, 1 steps>
        <Trace 'run.json', step 2 of scenario 51c342505f877031 (stationary_in_traffic): 20 spans, 1 steps>
        >>> trace.slowest(1)[0].costs().self_ms.droplevel("component").round(1).nlargest(2).to_dict()
        {'observation.update': 63.6, 'planner.compute': 59.6}
        """
        from nutrace.trace.finding import slowest

        return slowest(self._trace, count)

    def pruned(
        self,
        at_least_ms: float = 0.0,
        depth: Optional[int] = None,
        without: Union[str, Collection[str]] = (),
    ) -> Trace:
        """This trace with fewer spans: the time of others is in the self time of the span above.

        >>> trace.step("51c3", 2).pruned(depth=1, without=["database"]).name
        ['simulation.step', 'simulation.get_planner_input', 'planner.compute', 'simulation.propagate']

        Parameters
        ----------
        at_least_ms:
            Spans that took less, in milliseconds, are left out with all that is below them.
        depth:
            So are those that have more ancestors than this; the roots have none.
        without:
            And those of these names or components.
        """
        from nutrace.trace.pruning import pruned

        return pruned(self._trace, at_least_ms, depth, without)

    def merged(self) -> Trace:
        """This trace with equal siblings merged into one span, which stands for the calls of all of them.

        Siblings are merged that have one name and component, on one thread, and then the spans below them.
        Calls, total and self time add up, so that tables have the same sums as before. What these count
        apart stays apart: steps, scenarios, different statements, callers of copies, and what an error left
        or did not end. Attributes that add up are added; others are left out if they differ.

        >>> planner = trace.where(name="planner.compute", scenario=1)
        >>> len(planner), len(planner.merged())
        (12, 2)
        >>> planner.merged()[0].calls
        10
        """
        from nutrace.trace.merging import merged

        return merged(self._trace)
