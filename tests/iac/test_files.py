"""The files by themselves: formatted, valid, documented, accepted by AWS's own tools, and of the architecture they say."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import document
from conftest import REGION, ROOT

EXAMPLES = sorted(folder.name for folder in (ROOT / "terraform/examples").iterdir())
TEMPLATES = ["template.yaml", *sorted(str(file.relative_to(ROOT)) for file in (ROOT / "examples").glob("*/template.yaml"))]
TOOLS = Path(sys.executable).parent
MACHINES = {"x86_64": 62, "arm64": 183}  # e_machine of ELF

pytestmark = pytest.mark.xdist_group("files")


def test_terraform_is_formatted(terraform):
    terraform.run(ROOT, "fmt", "-check", "-recursive", "-diff", "terraform")


def test_every_example_is_applied():
    """In test_apply.py, which takes an example only as it is, and so as valid."""
    text = (ROOT / "tests/iac/test_apply.py").read_text()
    assert [name for name in EXAMPLES if f'package, "{name}"' not in text] == []


def test_terraform_does_what_its_own_tests_say(terraform):
    where = terraform.copy("own-tests")
    terraform.run(where, "init", "-input=false", "-backend=false")
    terraform.run(where, "validate")
    said = terraform.run(where, "test", "-no-color").stdout
    runs = sum(file.read_text().count('\nrun "') for file in (where / "tests").glob("*.tftest.hcl"))
    assert runs > 5 and f"Success! {runs} passed, 0 failed." in said, said


def test_the_module_has_no_version_of_a_secret_among_its_resources():
    """Such a resource could put an old value back over a rotated one, and would hold the value in the state."""
    for file in (ROOT / "terraform").glob("*.tf"):
        assert not re.search("aws_secretsmanager_(secret_version|random_password|secret)\"", file.read_text()), file


def test_the_examples_give_first_values_by_write_only_attributes():
    for file in (ROOT / "terraform/examples").rglob("*.tf"):
        assert not re.search(r"^\s*(secret_string|secret_binary|password)\s*=", strip_json(file.read_text()), re.MULTILINE), file


def strip_json(text):
    """Without the value that is encoded for a write-only attribute."""
    return re.sub(r"secret_string_wo\s*=.*?jsonencode\(\{.*?\}\)", "", text, flags=re.DOTALL)


def test_the_readme_of_the_module_is_current():
    text = document.README.read_text()
    assert document.current(text) == text, "scripts/check-iac --document writes its tables"


def test_the_readme_of_the_module_shows_every_example():
    text = document.README.read_text()
    assert [name for name in EXAMPLES if f"(examples/{name}/main.tf)" not in text] == []


def tool(*command):
    env = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "AWS_DEFAULT_REGION": REGION, "SAM_CLI_TELEMETRY": "0"}
    done = subprocess.run([str(TOOLS / command[0]), *command[1:]], env=env, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("template", TEMPLATES)
def test_cfn_lint_accepts_the_template(template):
    assert tool("cfn-lint", "--regions", REGION, "--", template).strip() == ""


@pytest.mark.parametrize("template", TEMPLATES)
def test_sam_accepts_the_template(template):
    said = tool("sam", "validate", "--template", template, "--region", REGION)
    assert "is a valid SAM Template" in said, said


def machine(start):
    """The architecture of an ELF file, as Lambda names it."""
    assert start[:4] == b"\x7fELF" and start[4] == 2 and start[5] == 1, "no 64-bit little-endian ELF file"
    number = int.from_bytes(start[18:20], "little")
    return {value: name for name, value in MACHINES.items()}.get(number, f"e_machine {number}")


@pytest.mark.parametrize("architecture", MACHINES)
def test_the_package_is_of_the_architecture_in_its_name(architecture):
    package = ROOT / f"dist/bootstrap-{architecture}.zip"
    if not package.exists():
        pytest.skip(f"{package.name} is not built")
    with zipfile.ZipFile(package) as archive:
        assert archive.namelist() == ["bootstrap"], "the runtime looks for this one file"
        assert archive.getinfo("bootstrap").external_attr >> 16 & 0o111 == 0o111, "it must be executable"
        with archive.open("bootstrap") as file:
            assert machine(file.read(64)) == architecture


def test_the_built_function_is_one_that_a_setting_exists_for():
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    built = Path(os.environ.get("KEYROLL_BOOTSTRAP", target / "release/bootstrap"))
    if not built.exists():
        pytest.skip("the function is not built")
    with built.open("rb") as file:
        found = machine(file.read(64))
    assert found in MACHINES
    assert found == os.uname().machine.replace("aarch64", "arm64"), "make build names the package after this machine"


def test_the_reading_of_elf_files_tells_architectures_apart():
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00"
    assert {machine(header + number.to_bytes(2, "little")) for number in MACHINES.values()} == set(MACHINES)
    assert machine(header + (243).to_bytes(2, "little")) == "e_machine 243"


def test_no_file_is_too_long_to_read_at_once():
    # One template is one file for SAM; splitting it would take a bucket for the parts.
    files = [*(ROOT / "terraform").rglob("*.tf"), *(ROOT / "terraform").rglob("*.hcl"), *(ROOT / "tests/iac").iterdir()]
    files = [file for file in files if file.is_file() and ".terraform" not in str(file)]
    assert [file.name for file in files if len(file.read_text().splitlines()) > 300] == []
