"""What a command does to a proposal and its confirmations."""

from machine.facts import ANSWERABLE, EDITED, HOME, Command, Decision, Moved, Part
from machine.refusals import Refusals


class Model(Refusals):
    """A proposal that changes."""

    def happen(self, c: Command) -> None:
        """Do what a command does that is not refused."""
        getattr(self, f"_do_{c.name}")(c)

    def _move(self, move: str, entered: str, who: str | None) -> None:
        self.timeline.append(Moved(move, self.state, entered, who))
        self.state, self.held, self.built_on = entered, True, False

    def before(self) -> str:
        """Return the state left by the latest move into this one, restore and undo not counted."""
        for moved in reversed(self.timeline):
            if moved.entered == self.state and moved.move not in {"restore", "undo"}:
                return moved.left
        raise LookupError

    def _complete(self) -> None:
        if self.state == "consent_pending" and all(
            p.state == "consented" for p in self.parts.values()
        ):
            self.reopened = False
            self._move("complete", "submitted", None)

    def _settle(self) -> None:
        """End the confirmations whose content has changed, and ask anew who had sent it back."""
        self.built_on = True
        for part in self.parts.values():
            if part.state == "consented" and part.seen != self.content(part):
                part.state = "void"
        if self.state == "consent_pending":
            self._ask_again()
            self._complete()

    def _ask_again(self) -> None:
        for part in self.parts.values():
            if part.state == "returned":
                part.state = "invited"

    def _do_save(self, c: Command) -> None:
        if self.answers.get(c.what) == (c.value or None):
            return
        self.answers[c.what] = c.value or None
        self._settle()

    def _do_add(self, c: Command) -> None:
        self.parts[c.what] = Part(c.what, "participating", task="做事")
        self._settle()

    def _do_change(self, c: Command) -> None:
        field_, value = c.value
        part = self.parts[c.what]
        if getattr(part, field_) != value:
            setattr(part, field_, value)
            self._settle()

    def _do_remove(self, c: Command) -> None:
        if c.what not in self.parts:
            return
        del self.parts[c.what]
        self.out.add(c.what)
        self.team -= {who for who, home in HOME.items() if home == c.what}
        self.reopened = self.reopened or self.state not in EDITED
        self._settle()

    def _do_submit(self, c: Command) -> None:
        self.numbered = True
        self._ask_again()
        waits = any(p.state != "consented" for p in self.parts.values())
        if waits or self.consent is None:
            self.consent = True
        self.reopened = False
        self._move(c.name, "consent_pending", c.who)
        self._complete()

    _do_resubmit = _do_submit

    def _do_take_back(self, c: Command) -> None:
        self.consent, self.reopened = None, False
        self._move(c.name, "draft", c.who)

    def _do_withdraw(self, c: Command) -> None:
        self._move(c.name, "withdrawn", c.who)

    def _do_withdraw_by_institution(self, c: Command) -> None:
        self._cancel()
        self._move(c.name, "withdrawn", c.who)

    def _cancel(self) -> None:
        if self.decision is not None:
            self.decision.state = "cancelled"

    def _do_delete(self, _: Command) -> None:
        self.gone = True

    def _do_view(self, c: Command) -> None:
        part = self.parts[c.what]
        if self.state in ANSWERABLE and self.part_state(part) == "invited":
            part.state = "viewed"

    def _do_confirm(self, c: Command) -> None:
        part = self.parts[c.what]
        if part.state == "consented":
            return
        part.state, part.seen, part.comments = "consented", self.content(part), None
        self.built_on = True
        self._complete()

    def _say_no(self, c: Command, state: str, comments: dict[str, str]) -> None:
        part = self.parts[c.what]
        if part.state == state:
            return
        part.state, part.comments, self.built_on = state, comments, True
        self.reopened = self.reopened or self.state == "consent_pending"

    def _do_send_back(self, c: Command) -> None:
        self._say_no(c, "returned", c.value)

    def _do_decline(self, c: Command) -> None:
        self._say_no(c, "declined", {})

    def _do_extend(self, c: Command) -> None:
        self.built_on = True
        if c.what is not None:
            self.parts[c.what].until = True
        elif self.state == "draft":
            self.due = True
        elif self.state == "returned":
            self.correction = True
        else:
            self.consent = True
            for part in self.parts.values():
                part.until = None

    def _do_check(self, c: Command) -> None:
        if self.state == "submitted":
            self._move("start_check", "formal_check", None)
        self.built_on = self.built_on or self.checked.get(c.what) != c.value
        self.checked[c.what] = c.value

    def _do_pass(self, c: Command) -> None:
        self._move(c.name, "peer_review", c.who)

    def _do_return(self, c: Command) -> None:
        self.correction = True
        self._move(c.name, "returned", c.who)

    def _do_refuse(self, c: Command) -> None:
        self._move(c.name, "not_accepted", c.who)

    def _do_finish(self, c: Command) -> None:
        self._move(c.name, "decision_pending", c.who)

    def _do_reopen(self, c: Command) -> None:
        self._cancel()
        self._move(c.name, "peer_review", c.who)

    def _do_restore(self, c: Command) -> None:
        self._move(c.name, self.before(), c.who)

    def _do_undo(self, c: Command) -> None:
        if self.timeline[-1].move == "return":
            self.correction = None
        self._move(c.name, self.before(), c.who)

    def _do_assign(self, c: Command) -> None:
        self.reviews[c.what], self.built_on = "asked", True

    def _do_accept(self, c: Command) -> None:
        if self.reviews[c.who] == "asked":
            self.reviews[c.who], self.built_on = "accepted", True

    def _do_review(self, c: Command) -> None:
        if self.reviews[c.who] != "submitted":
            self.reviews[c.who], self.built_on = "submitted", True

    def _do_decide(self, c: Command) -> None:
        made = self.decision
        same = made is not None and made.kind == c.value and made.state != "cancelled"
        if same and made is not None and not made.sent_back:
            return
        self.decision, self.built_on = Decision(c.value), True

    def _do_sign(self, c: Command) -> None:
        assert self.decision is not None
        if self.decision.state == "drafted":
            self.decision.state, self.decision.signed_by, self.built_on = "signed", c.who, True

    def _do_object(self, _: Command) -> None:
        assert self.decision is not None
        if not self.decision.sent_back:
            self.decision.state, self.decision.signed_by = "drafted", None
            self.decision.sent_back, self.built_on = True, True

    def _do_order(self, _: Command) -> None:
        assert self.decision is not None
        self.decision.state, self.release, self.release_due = "scheduled", "ordered", False

    def _do_recall(self, c: Command) -> None:
        if self.release == "ordered":
            assert self.decision is not None
            self.decision.state, self.release, self.recalled_by = "signed", "taken_back", c.who

    def carry_out(self) -> None:
        """Do what a release that is due has ordered: the worker, or whoever writes next."""
        made = self.decision
        if self.release != "ordered" or not self.release_due or made is None:
            return
        self.release = "done"
        if made.state == "scheduled":
            entered = {"approve": "approved", "reject": "rejected"}[made.kind]
            self._move(made.kind, entered, None)
            made.state = "released"

    def ten_minutes_pass(self) -> None:
        """Let every hold end."""
        self.held = False
        self.release_due = self.release == "ordered"
