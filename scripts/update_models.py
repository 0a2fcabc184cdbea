#!/usr/bin/env python3
"""Compare the shipped model catalogue with `GET /v1/models`, and bring it up to date.

    python scripts/update_models.py                  # print what differs
    python scripts/update_models.py --write          # and write what the API knows

Only facts that the API tells are compared and written: limits, lifecycle, retirement date,
line, name, kinds of thinking, effort levels, structured outputs. Prices, sampling, forced tools
and the like are read in the documentation and edited by hand in `models.json`; for a new model
they are filled with the rules of the newest generation and marked as assumed.

Exit codes: 0 no difference, 1 differences (also when they were written), 2 wrong usage or no
usable answer. The key is read from ANTHROPIC_API_KEY unless given, and is sent to the API only.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, TypeAlias

from claif_cla.catalog.data_file import Catalogue, parse
from claif_cla.catalog.live import merge_live
from claif_cla.catalog.model_info import ModelInfo, lookup

__all__ = ["compare", "dump", "fetch_models", "main", "updated"]

Fetch: TypeAlias = Callable[[str, Mapping[str, str]], bytes]
Json: TypeAlias = dict[str, Any]

CATALOGUE = Path(__file__).parents[1] / "src/claif_cla/catalog/models.json"
COMPARED = (
    "display_name",
    "line",
    "lifecycle",
    "retires_at",
    "context_window",
    "max_output_tokens",
    "thinking_types",
    "effort_levels",
    "structured_outputs",
)
API_VERSION = "2026-10-21"
MAX_PAGES = 100
MAX_PAGE_BYTES = 16 * 1024 * 1024
TIMEOUT_SECONDS = 30
SOURCE = "api"


class UpdateError(Exception):
    """There is no answer to compare with; the message says why and what to do."""


def main(argv: Sequence[str] | None = None, *, fetch: Fetch | None = None) -> int:
    """Run the command. `fetch(url, headers)` returns a body; tests bring their own."""
    options = _options(argv)
    try:
        listed = fetch_models(options.base_url, options.api_key, fetch or _fetch)
        document = json.loads(options.file.read_text(encoding="utf-8"))
        known = parse(document)
    except (UpdateError, OSError, ValueError) as error:
        print(f"update_models: {error}", file=sys.stderr)
        return 2
    differences = list(compare(known, listed))
    for line in differences:
        print(line)
    if not differences:
        print(f"The catalogue agrees with the API on {len(listed)} models.")
        return 0
    if options.write:
        text = dump(updated(document, listed, options.date))
        options.file.write_text(text, encoding="utf-8")
        print(f"Wrote {options.file}. Review the assumed facts of new models by hand.")
    return 1


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="update_models.py",
        description="Compare the model catalogue with GET /v1/models.",
    )
    add = parser.add_argument
    add("--base-url", default="https://api.anthropic.com", help="default: %(default)s")
    add("--api-key", default=os.environ.get("ANTHROPIC_API_KEY"), help="else ANTHROPIC_API_KEY")
    add("--file", type=Path, default=CATALOGUE, help="the catalogue to compare and write")
    add("--date", default=date.today().isoformat(), help="the day to stamp; default: today")  # noqa: DTZ011 - the reader's calendar day is meant
    add("--write", action="store_true", help="write the facts that the API tells")
    options = parser.parse_args(argv)
    if not options.api_key:
        parser.error("no API key: set ANTHROPIC_API_KEY or pass --api-key")
    if urllib.parse.urlsplit(options.base_url).scheme not in ("http", "https"):
        parser.error(f"--base-url must begin with http:// or https://, not {options.base_url!r}")
    try:
        date.fromisoformat(options.date)
    except ValueError:
        parser.error(f"--date must look like 2026-11-22, not {options.date!r}")
    return options


def fetch_models(base_url: str, api_key: str, fetch: Fetch) -> list[Json]:
    """Every object of `GET /v1/models`, page after page.

    Raises:
        UpdateError: an answer is no page of models, or the pages do not end.
    """
    root = base_url.rstrip("/").removesuffix("/v1")
    headers = {"x-api-key": api_key, "anthropic-version": API_VERSION}
    models: list[Json] = []
    query = {"limit": "1000"}
    for _ in range(MAX_PAGES):
        page = _page(fetch(f"{root}/v1/models?{urllib.parse.urlencode(query)}", headers))
        models += page["data"]
        if not page.get("has_more"):
            return models
        last = page.get("last_id")
        if not isinstance(last, str) or query.get("after_id") == last:
            raise UpdateError("the list says that it goes on, but not where (`last_id`)")
        query["after_id"] = last
    raise UpdateError(f"the list of models did not end after {MAX_PAGES} pages")


def _page(body: bytes) -> Json:
    try:
        page = json.loads(body)
    except ValueError as error:
        raise UpdateError(f"the answer is not JSON: {body[:80]!r}") from error
    data = page.get("data") if isinstance(page, dict) else None
    if not isinstance(data, list) or not all(
        isinstance(item, dict) and isinstance(item.get("id"), str) for item in data
    ):
        raise UpdateError(f"the answer is not a list of models: {body[:80]!r}")
    return dict(page)


def _fetch(url: str, headers: Mapping[str, str]) -> bytes:
    request = urllib.request.Request(url, headers=dict(headers))  # noqa: S310 - http(s) only, see _options
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
            body: bytes = answer.read(MAX_PAGE_BYTES + 1)
    except urllib.error.HTTPError as error:
        detail = error.read(500).decode("utf-8", "replace")
        raise UpdateError(f"{url} answered {error.code}: {detail}") from error
    except OSError as error:
        raise UpdateError(f"{url} cannot be reached: {error}") from error
    if len(body) > MAX_PAGE_BYTES:
        raise UpdateError(f"{url} answered more than {MAX_PAGE_BYTES} bytes")
    return body


def compare(known: Catalogue, listed: Sequence[Json]) -> Iterator[str]:
    """One line per difference, model by model; nothing if the two agree."""
    for told in listed:
        info = known.by_name.get(told["id"])
        if info is None:
            yield f"{told['id']}: new model"
            yield from (f"    {line}" for line in _facts(_refined(told, None)))
            continue
        refined = _refined(told, info)
        for name in COMPARED:
            before, after = _fact(info, name), _fact(refined, name)
            if before != after:
                yield f"{info.id}: {name}: {_shown(before)} -> {_shown(after)}"
            elif name in info.assumed - refined.assumed:
                yield f"{info.id}: {name}: {_shown(after)} was assumed, now confirmed"
        if refined.lifecycle == "retired" and refined.replacement is None:
            yield f"{info.id}: retired; name its `replacement` by hand"
    ids = {told["id"] for told in listed}
    for info in known.models:
        expected = info.lifecycle != "retired" and not info.restricted
        if expected and not ids & {info.id, *info.aliases}:
            yield f"{info.id}: {info.lifecycle} in the catalogue, not listed by the API"


def updated(document: Json, listed: Sequence[Json], day: str) -> Json:
    """A new document with what the API tells; every other fact stays as it was."""
    known = parse(document)
    stamp = f"api-{day}"
    sources = {
        **document["sources"],
        stamp: {"title": "GET /v1/models", "date": day, "checked": day},
    }
    entries = {
        entry["id"]: {**entry, "facts": dict(entry["facts"])} for entry in document["models"]
    }
    for told in listed:
        info = known.by_name.get(told["id"])
        if info is None:
            entries[told["id"]] = _new_entry(told, document["rules"]["newest_generation"], stamp)
            continue
        refined, facts = _refined(told, info), entries[info.id]["facts"]
        for name in COMPARED:
            changed = _fact(info, name) != _fact(refined, name)
            if changed or name in info.assumed - refined.assumed:
                facts[name] = {"value": _fact(refined, name), "source": stamp}
    models = sorted(entries.values(), key=_released, reverse=True)
    models.sort(key=lambda entry: entry["facts"]["lifecycle"]["value"] == "retired")
    fresh = {**document, "sources": sources, "models": models}
    used = {fact["source"] for group in _groups(fresh) for fact in group.values()}
    return {**fresh, "sources": {name: sources[name] for name in sources if name in used}}


def _released(entry: Json) -> str:
    return entry["facts"].get("released", {}).get("value") or ""


def _groups(document: Json) -> Iterator[Json]:
    yield from document["rules"].values()
    yield from (entry["facts"] for entry in document["models"])


def _new_entry(told: Json, rules: Json, stamp: str) -> Json:
    info = _refined(told, None)
    facts: Json = {"display_name": {"value": info.display_name, "source": stamp}}
    for name in ("line", "lifecycle", "released", "retires_at", *COMPARED, *rules):
        if info.sources.get(name) == SOURCE:
            facts[name] = {"value": _fact(info, name), "source": stamp}
        elif name in rules:
            facts[name] = rules[name]
    facts.setdefault("lifecycle", {"value": "active", "source": stamp})
    return {"id": told["id"], "aliases": [], "facts": facts}


def _refined(told: Json, info: ModelInfo | None) -> ModelInfo:
    return merge_live(info or lookup(told["id"]), told, source=SOURCE)


def _fact(info: ModelInfo, name: str) -> Any:
    """A fact as the file holds it."""
    if name == "thinking_types":
        return sorted(info.thinking.types)
    value = getattr(info, name)
    return list(value) if isinstance(value, tuple) else value


def _facts(info: ModelInfo) -> Iterator[str]:
    for name in COMPARED:
        if info.sources.get(name) == SOURCE:
            yield f"{name}: {_shown(_fact(info, name))}"


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def dump(document: Json) -> str:
    """The file's own layout: one line per source, fact and list, so that diffs read well."""
    parts = [
        '{\n  "format": ' + _shown(document["format"]),
        '  "sources": {\n' + _lines(document["sources"], 4) + "\n  }",
        '  "rules": {\n'
        + ",\n".join(
            f"    {_shown(name)}: {{\n{_lines(facts, 6)}\n    }}"
            for name, facts in document["rules"].items()
        )
        + "\n  }",
        '  "models": [\n'
        + ",\n".join(
            f'    {{\n      "id": {_shown(entry["id"])},\n'
            f'      "aliases": {_shown(entry["aliases"])},\n'
            f'      "facts": {{\n{_lines(entry["facts"], 8)}\n      }}\n    }}'
            for entry in document["models"]
        )
        + "\n  ]\n}\n",
    ]
    return ",\n".join(parts)


def _lines(mapping: Json, indent: int) -> str:
    return ",\n".join(
        f"{' ' * indent}{_shown(name)}: {_shown(value)}" for name, value in mapping.items()
    )


if __name__ == "__main__":
    sys.exit(main())
