"""`messages` as Claude's `system` and `messages`: who speaks when.

OpenAI lets roles follow each other in any order. Claude wants the user first, each turn once,
and the results of all tool calls of a turn first in the very next user turn. `_Conversation`
takes the messages in order and keeps these rules; what a message holds is made in `content` and
`assistant`.

The order of what is said never changes but where the API leaves no choice, and a longer
conversation begins with the same bytes as the shorter one, for Claude's prompt cache and for
thinking blocks that are bound to what stands before them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from claif_cla.errors import Refusal
from claif_cla.translate import checks
from claif_cla.translate.chat.assistant import ASSISTANT_FIELDS, AssistantTurn, assistant_turn
from claif_cla.translate.chat.content import Block, blocks, mark_last, text_block
from claif_cla.translate.chat.context import Context
from claif_cla.translate.chat.names import legal_id
from claif_cla.translate.chat.recall import Recollection
from claif_cla.translate.chat.size_limits import check_counts

__all__ = ["messages_patch"]

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
OPENING = "Continue."
"""The user's turn where the API wants one and the user said nothing."""
CONTINUATION = "Continue your last message from exactly where it ends, without repeating it."
_THINKING = ("thinking", "redacted_thinking")
_SPOKEN = ("text", *_THINKING)
_SERVER_CALLS = ("server_tool_use", "mcp_tool_use")
_OF_EVERY_MESSAGE = ("role", "content", "name", "cache_control")
_READ: Mapping[str, Sequence[str]] = {
    "system": (),
    "developer": (),
    "user": (),
    "assistant": ASSISTANT_FIELDS,
    "tool": ("tool_call_id", "is_error"),
    "function": ("is_error",),
}
"""The fields of a message that are read, beside those of every role."""
NO_RESULT = "No result was provided for this tool call."


def messages_patch(value: Any, context: Context) -> dict[str, Any]:
    """`{"system": […], "messages": […]}`; `system` only where there is one.

    Raises:
        Refusal: naming the message, for anything that is no conversation.
    """
    messages = checks.sequence(value, "messages")
    if not messages:
        message = "`messages` is empty; at least one message is required."
        raise Refusal(message, param="messages", code="invalid_value")
    recollection = Recollection(context.settings.memory, messages)
    conversation = _Conversation(context, recollection)
    for index, message in enumerate(messages):
        if not conversation.take_plain(message):
            conversation.take(checks.mapping(message, f"messages[{index}]"), index)
            context.rich_messages.append(message)
    patch = conversation.finish()
    context.rich_turns.extend(conversation.rich_turns())
    check_counts(len(patch["messages"]), context)
    return patch


class _Conversation:
    def __init__(self, context: Context, recollection: Recollection) -> None:
        self.context = context
        self.recollection = recollection
        self.system: list[Block] = []
        self.turns: list[dict[str, Any]] = []
        # The user turn that is being gathered, until the assistant speaks again.
        self.user: list[Block] = []
        # What a system message said within it, and where the first of them stands.
        self.asides: list[Block] = []
        self.aside_at = ""
        # Where the last message stands if it is a user's without a word.
        self.silent_at = ""
        # Calls of the last assistant turn: the caller's id -> our ids (an id may come twice).
        self.pending: dict[str, list[str]] = {}
        self.results: dict[str, Block] = {}
        # Our ids, each with the number that its latest repetition got.
        self.used_ids: dict[str, int] = {}
        # Turns that hold more than plain text; whether the one being gathered may.
        self.rich: list[dict[str, Any]] = []
        self.rich_user = False

    def take_plain(self, message: Any) -> bool:
        """Take a message of a role and a text alone, as `take` would, in a tenth of the time.

        False for any other message, and where more is to be settled than that it was said.
        """
        if type(message) is not dict or len(message) != 2:
            return False
        text, role = message.get("content"), message.get("role")
        if type(text) is not str or not text or text.isspace():
            return False
        if role == "user":
            self.silent_at = ""
            self.user.append({"type": "text", "text": text})
            return True
        if role != "assistant" or not self.user or self.rich_user or self.recollection.knows:
            return False
        if self.turns and (self.turns[-1]["role"] != "assistant" or self._is_rich()):
            return False
        self.turns.append({"role": "user", "content": self.user})
        self.turns.append({"role": "assistant", "content": [{"type": "text", "text": text}]})
        self.user, self.silent_at = [], ""
        return True

    def _is_rich(self) -> bool:
        """Whether the last turn is."""
        return bool(self.rich) and self.rich[-1] is self.turns[-1]

    def _look(self) -> None:
        """Note the last turn if it holds more than plain text."""
        plain = all(
            block["type"] == "text" and len(block) == 2 for block in self.turns[-1]["content"]
        )
        if not plain and not self._is_rich():
            self.rich.append(self.turns[-1])

    def rich_turns(self) -> list[dict[str, Any]]:
        """The turns that hold more than plain text, in their order."""
        rich = {id(turn) for turn in self.rich}
        return [turn for turn in self.turns if id(turn) in rich] if rich else []

    def take(self, message: Mapping[str, Any], index: int) -> None:
        at = f"messages[{index}]"
        role = checks.one_of(message.get("role"), f"{at}.role", ROLES)
        if message.get("name") is not None and role not in ("tool", "function"):
            detail = "Claude knows no names of participants; put them in the text."
            self.context.receipts.drop(f"{at}.name", detail)
        self.context.receipts.unread(message, (*_OF_EVERY_MESSAGE, *_READ[role]), at)
        self.silent_at = ""
        self.rich_user = self.rich_user or role != "assistant"
        if role in ("system", "developer"):
            self._take_system(message, at)
        elif role == "user":
            self._take_user(message, at)
        elif role == "assistant":
            remembered = self.recollection.of(index)
            self._take_assistant(assistant_turn(message, at, self.context, remembered), message)
        else:
            self._take_result(message, at, legacy=role == "function")

    def _take_system(self, message: Mapping[str, Any], at: str) -> None:
        made = self._blocks(message, "system", at)
        if not self.turns and not self.user:
            self.system += made
        elif self.context.model.mid_conversation_system:
            self.aside_at = self.aside_at if self.asides else at
            self.asides += made
        elif made:
            # Kept where it was said: hoisted to the top it would change its meaning (it speaks
            # about what came before) and every byte of the cached prefix.
            model = self.context.model.id
            detail = f"`{model}` takes no system message here; it is sent in the user's turn."
            self.context.receipts.adapt(f"{at}.role", detail)
            self.user += [_as_reminder(block) for block in made]

    def _take_user(self, message: Mapping[str, Any], at: str) -> None:
        made = self._blocks(message, "user", at)
        self.silent_at = "" if made else f"{at}.content"
        for block in made:
            if block["type"] == "tool_result":
                where = f"{at}.content[].tool_use_id"
                self._add_result(checks.string(block.get("tool_use_id"), where), block, where)
            else:
                self.user.append(block)

    def _take_assistant(self, turn: AssistantTurn, message: Mapping[str, Any]) -> None:
        mark_last(turn.blocks, message.get("cache_control"))
        if not turn.blocks:
            return
        said = self.user or self.asides or self.results
        if not self.turns or self.turns[-1]["role"] != "assistant" or said:
            self._close_user_turn(before_assistant=True)
        self._name_calls(turn)
        if self.turns[-1]["role"] == "assistant":
            self.turns[-1]["content"] += turn.blocks
        else:
            self.turns.append({"role": "assistant", "content": turn.blocks})
        self._look()

    def _name_calls(self, turn: AssistantTurn) -> None:
        """Give each call an id that the API takes, also one that came up before."""
        for caller_id, block in turn.calls:
            stem = wire = legal_id(caller_id)
            while wire in self.used_ids:
                # Counted on from the last time: a history may use one id for thousands of calls.
                self.used_ids[stem] += 1
                wire = f"{stem}_{self.used_ids[stem]}"
            self.used_ids[wire] = 1
            block["id"] = wire
            self.pending.setdefault(caller_id, []).append(wire)

    def _take_result(self, message: Mapping[str, Any], at: str, *, legacy: bool) -> None:
        result: Block = {"type": "tool_result"}
        content = message.get("content")
        made = blocks(content, "tool", f"{at}.content", self.context)
        if made:
            # A plain string stays one: the shorter form, and the same bytes as in the docs.
            result["content"] = content if isinstance(content, str) else made
        if message.get("is_error") is not None:
            result["is_error"] = checks.boolean(message["is_error"], f"{at}.is_error")
        if message.get("cache_control") is not None:
            result["cache_control"] = message["cache_control"]
        if legacy:
            caller_id, where = self._open_call(), f"{at}.name"
        else:
            where = f"{at}.tool_call_id"
            caller_id = checks.string(message.get("tool_call_id"), where)
        self._add_result(caller_id, result, where)

    def _open_call(self) -> str:
        """The caller's id of the first call without a result; a `function_call` has no id."""
        calls = self.pending.items()
        return next((own for own, wires in calls if wires[-1] not in self.results), "")

    def _add_result(self, caller_id: str, result: Block, where: str) -> None:
        wires = self.pending.get(caller_id)
        if wires is None:
            self._orphan(caller_id, result, where)
            return
        wire = next((wire for wire in wires if wire not in self.results), None)
        if wire is None:
            wire = wires[-1]
            detail = "A tool call was answered twice; the last answer counts."
            self.context.receipts.adapt(where, detail)
        self.results[wire] = result | {"tool_use_id": wire}

    def _orphan(self, caller_id: str, result: Block, where: str) -> None:
        named = f" with the id {caller_id!r}" if caller_id else ""
        detail = f"The last assistant message holds no tool call{named} that this could answer."
        self.context.receipts.refuse(where, detail, code="invalid_value", lenient="adapted")
        self.user += text_block(f"Result of an earlier tool call{named}:")
        self.user += blocks(result.get("content"), "user", where, self.context)

    def _blocks(self, message: Mapping[str, Any], role: str, at: str) -> list[Block]:
        content = message.get("content")
        if content is None:
            raise checks.invalid(f"{at}.content", "a string or an array of parts", None)
        made = blocks(content, role, f"{at}.content", self.context)
        mark_last(made, message.get("cache_control"))
        return made

    def _close_user_turn(self, *, before_assistant: bool) -> None:
        content = [*self._settled_results(), *self.user]
        if not content and before_assistant:
            content = self._content_before_assistant()
        if content:
            self._add_user_turn(content)
            self._place_asides()
        self.user, self.rich_user = [], False

    def _add_user_turn(self, content: list[Block]) -> None:
        if self.turns and self.turns[-1]["role"] == "assistant":
            said = _finished(self.turns[-1]["content"])
            self.turns[-1]["content"] = said
            if not said:
                content = [*self._user_turn_before(), *content]
        self.turns.append({"role": "user", "content": content})
        self._look()

    def _user_turn_before(self) -> list[Block]:
        """Take the assistant's last turn, in which nothing was said, and the user's before it."""
        self.turns.pop()
        if self.turns[-1]["role"] == "system":
            # It was placed after the user's turn, where another turn of the user now follows.
            self.asides, self.aside_at = self.turns.pop()["content"], "messages[]"
        content: list[Block] = self.turns.pop()["content"]
        return [*content, *(self._asides_as_reminders() if self.asides else [])]

    def _content_before_assistant(self) -> list[Block]:
        """What must stand between two turns of the assistant, or before the first turn."""
        if self.asides:
            # A system message may only follow a user's turn, and there is none here.
            return self._asides_as_reminders()
        detail = f"Claude wants the user to speak first; the user's turn {OPENING!r} was added."
        self.context.receipts.adapt("messages", detail)
        return text_block(OPENING)

    def _asides_as_reminders(self) -> list[Block]:
        detail = "Claude takes no system message after an assistant's; it is sent as a user's turn."
        self.context.receipts.adapt(f"{self.aside_at}.role", detail)
        moved, self.asides = [_as_reminder(block) for block in self.asides], []
        return moved

    def _place_asides(self) -> None:
        # The API takes a system message only right after a user's turn, last or before the
        # assistant's: within the user's turn it was said in, it moves to that turn's end.
        if self.asides:
            self.turns.append({"role": "system", "content": self.asides})
            self._look()
            self.asides = []

    def _settled_results(self) -> list[Block]:
        """The results of all pending calls, in the order of the calls."""
        wires = [wire for same in self.pending.values() for wire in same]
        for wire in wires:
            if wire not in self.results:
                detail = "A tool call without a result got the result that there was none."
                self.context.receipts.adapt("messages[].tool_calls", detail)
                missing = {"type": "tool_result", "content": NO_RESULT, "is_error": True}
                self.results[wire] = missing | {"tool_use_id": wire}
        settled = [self.results[wire] for wire in wires]
        self.pending, self.results = {}, {}
        return settled

    def finish(self) -> dict[str, Any]:
        self._close_user_turn(before_assistant=False)
        if self.asides:
            self._add_user_turn(self._asides_as_reminders())
        if not self.turns:
            self._speak_as_user()
        if self.turns[-1]["role"] == "assistant":
            self._settle_last_word()
        patch: dict[str, Any] = {"messages": self.turns}
        return patch | ({"system": self.system} if self.system else {})

    def _speak_as_user(self) -> None:
        if not self.system:
            message = "`messages` holds no text; at least one message must say something."
            raise Refusal(message, param="messages", code="invalid_value")
        detail = "Claude needs a user's turn; the system message is sent as one."
        self.context.receipts.adapt("messages", detail)
        self.turns.append({"role": "user", "content": self.system})
        self._look()
        self.system = []

    def _settle_last_word(self) -> None:
        """A last assistant message is continued by old models and refused by the newer ones."""
        if self.silent_at:
            # The user's empty message was no wish to have the assistant's own continued.
            detail = f"It says nothing, which Claude refuses; {OPENING!r} is sent in its place."
            self.context.receipts.adapt(self.silent_at, detail)
            self._add_user_turn(text_block(OPENING))
            return
        if self.turns[-1]["content"][-1]["type"] not in _SPOKEN:
            return  # a turn of server tools that was paused goes on from here
        content = self.turns[-1]["content"] = _finished(self.turns[-1]["content"])
        if not content:
            self.turns.pop()
            return
        model = self.context.model
        if not model.prefill or _wants_format(self.context.request):
            why = f"`{model.id}` continues no assistant message"
            why += " in a structured answer" if model.prefill else ""
            self.context.receipts.adapt("messages", f"{why}; it is asked to.")
            self._add_user_turn(text_block(CONTINUATION))
            return
        # White space at the end of the last message is a 400, and so is thinking.
        while content[-1]["type"] in _SPOKEN and not content[-1].get("text", "").strip():
            content.pop()
        if content[-1]["type"] == "text":
            content[-1]["text"] = content[-1]["text"].rstrip()


def _finished(content: list[Block]) -> list[Block]:
    """What of an assistant's turn may stand before another turn.

    An answer that was cut may end in thinking, or in a server tool's call without its result:
    the API refuses both, and nothing that was said came of them.
    """
    answered = {block.get("tool_use_id") for block in content}
    waits = any(block["type"] == "tool_use" for block in content)  # with them, for the results
    kept = [
        block
        for block in content
        if waits or block["type"] not in _SERVER_CALLS or block.get("id") in answered
    ]
    while kept and kept[-1]["type"] in _THINKING:
        kept.pop()
    return kept if any(block["type"] != "text" or block["text"].strip() for block in kept) else []


def _wants_format(request: Mapping[str, Any]) -> bool:
    """Whether the answer gets a compiled format, beside which the API refuses a prefill."""
    asked, native = request.get("response_format"), request.get("output_config")
    return (isinstance(asked, Mapping) and asked.get("type") == "json_schema") or (
        isinstance(native, Mapping) and native.get("format") is not None
    )


def _as_reminder(block: Block) -> Block:
    return block | {"text": f"<system-reminder>\n{block['text']}\n</system-reminder>"}
