"""Send a run's spans piece by piece: again if a piece may be taken later, smaller if it is too large."""

from __future__ import annotations

import gzip
import random
import time
from dataclasses import dataclass, field
from typing import Callable, Dict, Iterable, List, Optional, Tuple

from nutrace import __version__
from nutrace.errors import EmptyTraceError, InputError
from nutrace.push.attempt import Answer, Outcome, Sender
from nutrace.push.endpoint import Endpoint
from nutrace.push.pieces import Cutter, Piece
from nutrace.push.spans import Group, Progress, Reading, groups

_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 30.0
_MOST_REASONS = 20  # that are kept apart: a server may give each piece another
_LEAST_LEFT_S = 0.05  # an attempt that has less time than this is not made


@dataclass(frozen=True)
class Options:
    """How spans are sent.

    Parameters
    ----------
    most_bytes:
        Of a piece's JSON. Collectors, Jaeger and Tempo take 20 MB, some services 4 MB.
    timeout_s:
        Seconds for a piece, with all its attempts.
    compress:
        Whether requests are gzipped.
    """

    most_bytes: int = 4_000_000
    timeout_s: float = 60.0
    compress: bool = False


@dataclass
class Summary:
    """What became of a run's spans.

    Attributes
    ----------
    sent:
        Spans that the server has taken.
    rejected:
        Spans that it has refused.
    unclear:
        Of the spans sent, those whose piece was sent again after an attempt that may have arrived: the server
        may have them twice.
    pieces, bytes:
        Requests that the server has taken, and the bytes of their bodies.
    attempts:
        All requests.
    seconds:
        How long it took.
    reasons:
        Why spans were rejected, and how many for each reason.
    remarks:
        What the server said of pieces of which it took all, with the number of pieces.
    stopped:
        Why the rest of the file was not sent; "" if all of it was.
    bad_lines, cut_short:
        As :class:`nutrace.push.spans.Reading` has them.
    """

    sent: int = 0
    rejected: int = 0
    unclear: int = 0
    pieces: int = 0
    bytes: int = 0
    attempts: int = 0
    seconds: float = 0.0
    reasons: Dict[str, int] = field(default_factory=dict)
    remarks: Dict[str, int] = field(default_factory=dict)
    stopped: str = ""
    bad_lines: int = 0
    cut_short: bool = False

    @property
    def arrived(self) -> bool:
        """Whether all spans of the file did."""
        return not (self.rejected or self.stopped)


def push(
    name: str,
    endpoint: Endpoint,
    options: Options = Options(),
    *,
    progress: Optional[Progress] = None,
    tell: Callable[[str], None] = lambda text: None,
) -> Summary:
    """Send all spans of a run; memory is bounded by a few pieces.

    Parameters
    ----------
    name:
        The run file.
    endpoint, options:
        Where to, and how.
    progress:
        Called now and then with (bytes read, bytes in all).
    tell:
        Called with a line each time that a piece has to be sent again, for people who wait.

    Raises
    ------
    InputError
        If the run's file is missing, unreadable, empty, binary or not OTLP/JSON, and nothing has been sent.
    EmptyTraceError
        If it holds no span.
    UsageError
        If the endpoint's file of certificates cannot be read.
    """
    reading, delivery = Reading(), _Delivery(endpoint, options, tell)
    try:
        delivery.send_all(groups(name, reading, progress))
    except InputError as error:
        if not delivery.summary.attempts:
            raise
        delivery.summary.stopped = str(error)  # a part of the spans is there: the summary has to say so
    finally:
        delivery.close()
    summary = delivery.summary
    summary.bad_lines, summary.cut_short = reading.bad_lines, reading.cut_short
    if not (summary.sent or summary.rejected or summary.stopped):
        raise EmptyTraceError(f"{name} has no spans to send")
    return summary


class _Delivery:
    def __init__(self, endpoint: Endpoint, options: Options, tell: Callable[[str], None]) -> None:
        self._options = options
        self._tell = tell
        self._cutter = Cutter(options.most_bytes)
        headers = {"Content-Type": "application/json", "User-Agent": f"nutrace/{__version__}"}
        if options.compress:
            headers["Content-Encoding"] = "gzip"
        self._sender = Sender(endpoint, headers)
        self._began = time.monotonic()
        self.summary = Summary()

    def close(self) -> None:
        self._sender.close()
        self.summary.seconds = time.monotonic() - self._began

    def send_all(self, spans: Iterable[Group]) -> None:
        for piece in self._cutter.pieces(spans):
            waiting = [piece]
            while waiting:
                self._send(waiting.pop(), waiting)
                if self.summary.stopped:
                    return

    def _send(self, piece: Piece, waiting: List[Piece]) -> None:
        """Send a piece; its halves become the next ones in `waiting` if it is too large."""
        body = piece.body()
        if self._options.compress:
            body = gzip.compress(body, 6, mtime=0)
        answer, unclear = self._answer_for(body)
        summary = self.summary
        if answer.outcome is Outcome.TAKEN:
            rejected = min(answer.rejected, piece.spans)
            summary.sent += piece.spans - rejected
            summary.unclear += piece.spans - rejected if unclear else 0
            summary.pieces += 1
            summary.bytes += len(body)
            self._reject(rejected, answer.reason)
            if answer.reason and not rejected:
                _count(summary.remarks, answer.reason, 1)
        elif answer.outcome is Outcome.TOO_LARGE and piece.spans > 1:
            self._cutter.most = max(piece.size // 2, 1)  # the pieces that follow would be too large as well
            waiting += reversed(piece.halves())
        elif answer.outcome in (Outcome.TOO_LARGE, Outcome.REFUSED) and summary.pieces:
            self._reject(piece.spans, answer.reason)
        else:  # a server that refuses the first piece refuses all
            summary.stopped = answer.reason

    def _reject(self, spans: int, reason: str) -> None:
        if spans:
            self.summary.rejected += spans
            _count(self.summary.reasons, reason, spans)

    def _answer_for(self, body: bytes) -> Tuple[Answer, bool]:
        """Repeat a request as long as that makes sense; the answer, and whether one may have been lost."""
        end = time.monotonic() + self._options.timeout_s
        wait_s, unclear = _FIRST_WAIT_S, False
        while True:
            self.summary.attempts += 1
            answer = self._sender.send(body, max(end - time.monotonic(), _LEAST_LEFT_S))
            if answer.outcome is not Outcome.LATER:
                return answer, unclear
            unclear |= answer.unclear
            left_s = end - time.monotonic()
            pause_s = max(wait_s * random.uniform(0.5, 1.0), answer.wait_s or 0.0)
            if pause_s + _LEAST_LEFT_S > left_s:
                return self._given_up(answer), unclear
            self._tell(f"{answer.reason}; trying again in {pause_s:.1f} s, for {left_s:.0f} s more")
            time.sleep(pause_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)

    def _given_up(self, answer: Answer) -> Answer:
        reason = f"{answer.reason} (tried for {self._options.timeout_s:g} s, see --timeout)"
        if answer.wait_s is not None and answer.wait_s > self._options.timeout_s:
            reason = f"{answer.reason}: it asks to wait {answer.wait_s:.0f} s, longer than --timeout"
        return Answer(Outcome.HOPELESS, reason)


def _count(counts: Dict[str, int], key: str, number: int) -> None:
    if key not in counts and len(counts) >= _MOST_REASONS:
        key = "other reasons"
    counts[key] = counts.get(key, 0) + number
