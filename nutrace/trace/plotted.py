"""Plots of a trace, which a package further on draws, as tables are made: see :mod:`nutrace.trace.views`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

from nutrace.trace import views

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Plotted:
    """What a trace, or a part of it, draws with matplotlib.

    Each method returns the axes, so that one can go on drawing. Without `ax` it makes a figure of its own,
    whose background is opaque: it can be read in light and dark notebooks. The colours are those of the
    flamegraph; they suit dark axes, too, as of ``matplotlib.pyplot.style.use("dark_background")``. Several
    plots fit into a figure that is made with ``constrained_layout=True``.
    """

    def plot_steps(self, ax: Optional[Axes] = None) -> Axes:
        """The milliseconds that each finished step took, over the iterations of its scenario.

        >>> axes = trace.plot_steps()
        >>> axes.get_xlabel(), axes.get_ylabel()
        ('step (iteration)', 'time of a step (ms)')
        >>> print(trace.select(scenario=4, steps="2:6").plot_steps().get_title(loc="left"))
        Time of each step: steps 2 to 5 of scenario ...

        The slowest step is named, and a dashed line is the time that a step simulates. Scenarios have lines;
        of more than five, those with the slowest steps are in colour, and the median of all is drawn. In
        place of many others there is a band in which 9 of 10 scenarios are, with dots for what lies above it.

        Parameters
        ----------
        ax:
            The matplotlib axes to draw on; by default new ones.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        """
        return views.views().plot_steps(self, ax)

    def plot_components(self, ax: Optional[Axes] = None) -> Axes:
        """The self time of each component in each finished step in milliseconds, stacked.

        >>> axes = trace.plot_components()
        >>> axes.get_ylabel()
        'self time (ms), mean of 4 scenarios'
        >>> [text.get_text() for text in axes.get_legend().get_texts()][-3:]
        ['planner  21.39 ms, 29 %', 'observation  22.72 ms, 31 %', 'real time: 100 ms']

        The stack is as high as the step took. Where there are several scenarios, each iteration has the mean
        of those that have it; ``trace.select(scenario=3).plot_components()`` draws one. The legend has the
        mean of all steps; what is less than 0.3 % of them is drawn together.

        Parameters
        ----------
        ax:
            The matplotlib axes to draw on; by default new ones.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        """
        return views.views().plot_components(self, ax)

    def plot_scenarios(self, ax: Optional[Axes] = None) -> Axes:
        """How the times of the finished steps of each scenario are distributed, the slowest scenario first.

        >>> axes = trace.plot_scenarios()
        >>> axes.get_xlabel()
        'time of a step (ms)'
        >>> [label.get_text() for label in axes.get_yticklabels()][:2]
        ['4: stationary_in_traffic', '2: waiting_for_pedestrian_to_cross']

        Scenarios have their numbers, as in :meth:`nutrace.Trace.scenarios`, and are in the order of their
        mean steps. Percentiles are by nearest rank, as in the report. Up to 40 scenarios have a box each;
        more are bands over their ranks. Where single steps are far slower than all others, the axis of time
        is logarithmic. A scenario without a finished step is left out.

        Parameters
        ----------
        ax:
            The matplotlib axes to draw on; by default new ones.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        """
        return views.views().plot_scenarios(self, ax)
