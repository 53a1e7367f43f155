"""The tables of inputs and outputs in terraform/README.md. Checks that they are current; with --write, makes them so."""

import re
import sys
from pathlib import Path

import hcl2

TERRAFORM = Path(__file__).parents[2] / "terraform"
README = TERRAFORM / "README.md"


def plain(value):
    """A literal as HCL writes it, without what python-hcl2 leaves around it."""
    text = str(value)
    if text.startswith("${") and text.endswith("}"):
        text = text[2:-1]
    return text.strip('"') if text.startswith('"') and text.endswith('"') else text


def description(block):
    text = plain(block["description"])
    text = re.sub(r"^<<-?EOT\n(.*)\n\s*EOT$", r"\1", text, flags=re.DOTALL)
    return " ".join(text.split()).replace("|", "\\|")


def blocks(kind, files):
    found = {}
    for file in sorted(TERRAFORM.glob(files)):
        with file.open() as source:
            for block in hcl2.load(source).get(kind, []):
                (name, body), = block.items()
                found[plain(name)] = body
    return found


def default(body):
    if "default" not in body:
        return "required"
    value = body["default"]
    if value is None:
        return "`null`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if value == [] or (isinstance(value, dict) and not set(value) - {"__is_block__"}):
        return f"`{'[]' if value == [] else '{}'}`"
    return f"`{plain(value)}`" if plain(value) else "empty"


def kind(body):
    text = " ".join(plain(body["type"]).split())
    return "object" if text.startswith("object") else text


def tables():
    inputs = ["| input | type | default | meaning |", "|---|---|---|---|"]
    for name, body in blocks("variable", "variables*.tf").items():
        inputs.append(f"| `{name}` | {kind(body)} | {default(body)} | {description(body)} |")
    outputs = ["| output | meaning |", "|---|---|"]
    for name, body in blocks("output", "outputs.tf").items():
        outputs.append(f"| `{name}` | {description(body)} |")
    return "\n".join([*inputs, "", *outputs])


def current(text):
    """The README's text with the tables of now."""
    start, end = "<!-- tables: written by tests/iac/document.py -->", "<!-- end of tables -->"
    assert text.count(start) == 1 and text.count(end) == 1, "terraform/README.md has lost the marks around its tables"
    return text[: text.index(start) + len(start)] + "\n" + tables() + "\n" + text[text.index(end):]


if __name__ == "__main__":
    before = README.read_text()
    after = current(before)
    if "--write" in sys.argv:
        README.write_text(after)
    elif before != after:
        sys.exit("terraform/README.md is not current: scripts/check-iac --document writes its tables")
