"""Worker processes of this machine, behind the port of the pool."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from multiprocessing import connection

from ..data.sets import EvaluationData
from ..pool.crew import Member, Place
from .images import SharedImages
from .member import ProcessMember
from .places import Post


class ProcessCrew:
    """Starts and reaches processes at fixed posts; see `Crew` for what it promises.

    Args:
        posts: Where workers stand, all of them for as long as the crew lives.
        environ: What the environments of processes are made from.
        clock: Seconds, from any origin.
    """

    def __init__(self, posts: Sequence[Post], *, environ: Mapping[str, str], clock: Callable[[], float]) -> None:
        self._posts = {post.place.name: post for post in posts}
        self._environ = environ
        self._clock = clock
        self._shelf: dict[str, SharedImages] = {}
        self._members: dict[str, ProcessMember] = {}  # the last one at each place

    def places(self) -> list[Place]:
        """The places of all posts but those where a process was killed and has not ended yet."""
        taken = {name for name, member in self._members.items() if member.lingers}
        return [post.place for name, post in self._posts.items() if name not in taken]

    def hire(self, place: Place) -> ProcessMember:
        """Start a process."""
        member = ProcessMember(self._posts[place.name], self._environ, self._shelf)
        self._members[place.name] = member
        return member

    def wait(self, members: Sequence[Member], timeout_s: float) -> None:
        """Wait until a process has said more than a report, or ended; reports are kept for `messages` meanwhile."""
        deadline_s = self._clock() + timeout_s
        processes = [member for member in members if isinstance(member, ProcessMember)]
        while not any(process.has_news for process in processes):
            left_s = deadline_s - self._clock()
            listening = [process.connection for process in processes if process.listening]
            ready = connection.wait(listening, max(0.0, left_s))
            for process in processes:
                if process.connection in ready:
                    process.take_in()
            if left_s <= 0:
                return

    def load(self, data: EvaluationData) -> None:
        """Write images into memory that processes map; each is told of them before its first job on them."""
        if data.digest not in self._shelf:
            self._shelf[data.digest] = SharedImages(data)

    def unload(self, digest: str) -> None:
        """Let images go; a process may keep those that it trained on last, until it trains on others."""
        if digest in self._shelf:
            self._shelf.pop(digest).close()
            for member in self._members.values():
                member.forget(digest)

    def close(self) -> None:
        """Let all images go."""
        for images in self._shelf.values():
            images.close()
        self._shelf.clear()
