"""What the checks share: Terraform with its provider, a local AWS, and the plans that are looked at."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import scenarios  # noqa: E402

ROOT = Path(__file__).parents[2]
REGION = scenarios.REGION

# SAM's translator asks for it, and nothing else here reads this process's environment for AWS.
os.environ["AWS_DEFAULT_REGION"] = REGION


def mirror():
    """A directory with a ready provider, laid out as Terraform's file system mirrors are, or None."""
    home = Path.home()
    places = [home / ".terraform.d/plugins", home / ".terraform.d/plugin-cache", Path("/usr/local/share/terraform/plugins"),
              Path("/usr/share/terraform/plugins"), *Path("/opt").glob("*")]
    if os.environ.get("TF_PLUGIN_MIRROR"):
        places = [Path(os.environ["TF_PLUGIN_MIRROR"])]
    for place in places:
        if any(place.glob("*/hashicorp/aws/*/*/terraform-provider-aws*")):
            return place
    return None


class Terraform:
    """The terraform on the PATH, in folders of its own, told nothing by the machine's configuration."""

    def __init__(self, folder):
        self.folder = folder
        settings = folder / "terraform.rc"
        lines = ["disable_checkpoint = true"]
        if mirror():
            lines += ["provider_installation {", "  filesystem_mirror {", f'    path = "{mirror()}"', "  }", "}"]
        settings.write_text("\n".join(lines) + "\n")
        kept = ("PATH", "HOME", "TMPDIR", "SSL_CERT_FILE", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy")
        self.env = {name: os.environ[name] for name in kept if name in os.environ}
        self.env |= {
            "TF_CLI_CONFIG_FILE": str(settings), "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1",
            # Only ever the local AWS, which takes any key.
            "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true",
        }

    def run(self, where, *arguments, env=None, codes=(0,)):
        done = subprocess.run(["terraform", f"-chdir={where}", *arguments], env=self.env | (env or {}),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
        said = f"terraform {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
        assert done.returncode in codes, said
        return done

    def copy(self, name):
        """A copy of the module and its examples, to run in: the repository stays clean."""
        here = self.folder / name
        shutil.copytree(ROOT / "terraform", here / "terraform", ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
        return here / "terraform"


@pytest.fixture(scope="session")
def terraform(tmp_path_factory):
    if not shutil.which("terraform"):
        missing = "terraform is not on the PATH"
        if os.environ.get("KEYROLL_REQUIRE_TERRAFORM"):
            pytest.fail(missing)
        pytest.skip(missing)
    return Terraform(tmp_path_factory.mktemp("terraform"))


class LocalAws:
    """A moto server."""

    def __init__(self, port, log):
        self.url = f"http://127.0.0.1:{port}"
        command = [str(Path(sys.executable).parent / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
        self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def answers(self):
        try:
            return urllib.request.urlopen(f"{self.url}/moto-api/", timeout=2).status == 200
        except (urllib.error.URLError, OSError):
            return False

    def reset(self):
        request = urllib.request.Request(f"{self.url}/moto-api/reset", method="POST")
        assert urllib.request.urlopen(request, timeout=30).status == 200


@pytest.fixture(scope="session")
def aws(tmp_path_factory):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("moto") / "log"
    with log.open("w") as out:
        server = LocalAws(port, out)
        try:
            deadline = time.monotonic() + 60
            while not server.answers():
                assert server.process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, "the local AWS does not start\n" + log.read_text()
                time.sleep(0.1)
            yield server
        finally:
            server.process.terminate()
            server.process.wait(timeout=20)


@pytest.fixture
def clean(aws):
    aws.reset()
    yield
    aws.reset()


@pytest.fixture(scope="session")
def package(tmp_path_factory):
    """Stands in for the function's package where only its being there counts: no Rust is built for these checks."""
    folder = tmp_path_factory.mktemp("package")
    for architecture in ("x86_64", "arm64"):
        with zipfile.ZipFile(folder / f"bootstrap-{architecture}.zip", "w") as archive:
            archive.writestr("bootstrap", architecture)
    return folder


@pytest.fixture(scope="session")
def shown(terraform, aws, package):
    """One plan for all scenarios, as Terraform shows it in JSON."""
    folder = terraform.folder / "plans"
    folder.mkdir()
    modules = {}
    for name, inputs in scenarios.ALL.items():
        architecture = inputs.get("architecture", "x86_64")
        modules[name] = inputs | {"source": str(ROOT / "terraform"), "name": name,
                                  "package_path": str(package / f"bootstrap-{architecture}.zip")}
    (folder / "main.tf.json").write_text(json.dumps({"provider": {"aws": {"region": REGION}}, "module": modules}))
    env = {"AWS_ENDPOINT_URL": aws.url}
    terraform.run(folder, "init", "-input=false", "-backend=false")
    terraform.run(folder, "plan", "-input=false", "-out=plan", env=env)
    return json.loads(terraform.run(folder, "show", "-json", "plan", env=env).stdout)


@pytest.fixture(scope="session")
def plans(shown):
    """What Terraform plans in every scenario: name of the scenario => resource => list of planned values."""
    found = {name: {} for name in scenarios.ALL}
    for module in shown["planned_values"]["root_module"]["child_modules"]:
        kinds = found[module["address"].removeprefix("module.")]
        for resource in module["resources"]:
            kinds.setdefault(f"{resource['type']}.{resource['name']}", []).append(resource["values"])
    return found
