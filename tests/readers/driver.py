"""Lets a test use the reader in Python: a question per line of standard input, an answer per line of standard output."""

import functools
import json
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "examples/key-ring/python"))
sys.dont_write_bytecode = True

import jwt  # noqa: E402
from key_ring import KeyRing  # noqa: E402
from verify_only import PublicKeys  # noqa: E402

# About secrets that are shorter than their hash, as bare ones may be.
warnings.simplefilter("ignore")

class Broken(Exception):
    """What is wrong with a ring, and not with a token: no test may take it for a refusal."""


# As a service does: once, when it starts.
@functools.lru_cache(maxsize=16)
def load(ring):
    try:
        return KeyRing.load(ring)
    except Exception as error:
        raise Broken(f"{type(error).__name__}: {error}") from error


public_keys = functools.cache(PublicKeys)


def answer(question):
    match question["op"]:
        case "sign":
            return {"token": load(question["ring"]).sign(question["claims"])}
        case "verify":
            return {"claims": load(question["ring"]).verify(question["token"])}
        case "verify_only":
            return {"claims": public_keys(question["url"]).verify(question["token"])}


for line in sys.stdin:
    try:
        reply = answer(json.loads(line))
    except jwt.PyJWTError as error:
        reply = {"refused": f"{type(error).__name__}: {error}"}
    except Exception as error:
        reply = {"broken": f"{type(error).__name__}: {error}"}
    print(json.dumps(reply), flush=True)
