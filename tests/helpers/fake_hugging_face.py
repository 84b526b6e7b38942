"""A Hugging Face Hub in memory: the endpoints that huggingface_hub calls to upload and download.

Files that end in .keras or .png go through Git LFS, as on the real Hub; others are in the commit.
"""

import base64
import hashlib
import json
import re

from fake_server import Fake

TOKEN = "hf_good"


class Hub(Fake):
    """The service.

    Attributes:
      commits: {repository: [(sha, {path: bytes})]}, oldest first.
      blobs: {SHA-256: bytes} of uploaded LFS objects, committed or not.
      uploads_left: of LFS objects, before the service refuses them; None for any number.
      damaged: {path: bytes} to send in place of these files.
    """

    def __init__(self):
        super().__init__()
        self.commits: dict[str, list] = {}
        self.blobs: dict[str, bytes] = {}
        self.uploads_left: int | None = None
        self.damaged: dict[str, bytes] = {}

    def answer(self, method, path, query, headers, body):
        if path.startswith("/blobs/"):
            return self._put(path.removeprefix("/blobs/"), body)
        authorised = headers.get("Authorization") == f"Bearer {TOKEN}"
        if method == "POST" and path != "/api/validate-yaml" and not authorised:
            said = {"X-Error-Message": "Invalid credentials in Authorization header"}
            return 401, said, {"error": said["X-Error-Message"]}
        for pattern, answer in _ROUTES:
            if found := re.fullmatch(pattern, f"{method} {path}"):
                return answer(self, body, *found.groups())
        raise AssertionError(f"{method} {path} is not imitated")

    def head(self, repository: str) -> dict[str, bytes]:
        """The files of the newest commit."""
        return self.commits[repository][-1][1]

    def _put(self, sha256, body):
        if self.uploads_left is not None:
            if not self.uploads_left:
                return 400, {}, {"error": "the connection broke"}
            self.uploads_left -= 1
        assert hashlib.sha256(body).hexdigest() == sha256
        self.blobs[sha256] = body
        return 200, {}, b""

    def _validate(self, body):
        return 200, {}, {"errors": [], "warnings": []}

    def _create(self, body):
        asked = json.loads(body)
        assert asked["visibility"] == "private"
        repository = f"{asked['organization']}/{asked['name']}"
        known = repository in self.commits
        self.commits.setdefault(repository, [(_sha("first"), {".gitattributes": b""})])
        return 409 if known else 200, {}, {"url": f"{self.url}/{repository}"}

    def _preupload(self, body, repository, _):
        there = self.head(repository)
        return 200, {}, {"files": [
            {"path": one["path"], "uploadMode": "lfs" if _is_lfs(one["path"]) else "regular",
             "shouldIgnore": False,
             "oid": _oid(one["path"], there[one["path"]]) if one["path"] in there else None}
            for one in json.loads(body)["files"]
        ]}  # fmt: skip

    def _batch(self, body, repository):
        objects = []
        for one in json.loads(body)["objects"]:
            missing = one["oid"] not in self.blobs
            href = {"upload": {"href": f"{self.url}/blobs/{one['oid']}"}}
            objects.append(one | ({"actions": href} if missing else {}))
        return 200, {}, {"transfer": "basic", "objects": objects}

    def _commit(self, body, repository, _):
        files = dict(self.head(repository))
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.blobs[value["oid"]]
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        sha = _sha(repr(sorted(files.items())) + str(len(self.commits[repository])))
        self.commits[repository].append((sha, files))
        url = f"{self.url}/{repository}/commit/{sha}"
        return 200, {}, {"success": True, "commitOid": sha, "commitUrl": url, "hookOutput": ""}

    def _found(self, repository, revision):
        """(sha, files), or the answer that there is none."""
        if repository not in self.commits:
            return None, (404, {"X-Error-Code": "RepoNotFound"}, {"error": "no such repository"})
        commits = dict(self.commits[repository])
        sha = self.commits[repository][-1][0] if revision == "main" else revision
        if sha not in commits:
            return None, (404, {"X-Error-Code": "RevisionNotFound"}, {"error": "no revision"})
        return sha, commits[sha]

    def _info(self, body, repository, revision="main"):
        sha, files = self._found(repository, revision)
        if sha is None:
            return files
        return 200, {}, {"id": repository, "sha": sha, "private": True, "siblings": []}

    def _tree(self, body, repository, revision):
        sha, files = self._found(repository, revision)
        if sha is None:
            return files
        return 200, {}, [_entry(path, content) for path, content in sorted(files.items())]

    def _resolve(self, body, repository, revision, path):
        sha, files = self._found(repository, revision)
        if sha is None:
            return files
        if path not in files:
            return 404, {"X-Error-Code": "EntryNotFound"}, {"error": "no such file"}
        headers = {"X-Repo-Commit": sha, "ETag": f'"{_oid(path, files[path])}"'}
        return 200, headers, self.damaged.get(path, files[path])


def _sha(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest()


def _is_lfs(path: str) -> bool:
    return path.endswith((".keras", ".png"))


def _oid(path: str, content: bytes) -> str:
    if _is_lfs(path):
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()  # as git does


def _entry(path: str, content: bytes) -> dict:
    lfs = {"oid": _oid(path, content), "size": len(content), "pointerSize": 130}
    more = {"lfs": lfs} if _is_lfs(path) else {}
    return {"type": "file", "path": path, "size": len(content), "oid": _oid(path, content)} | more


_NAME = r"([\w.-]+/[\w.-]+)"
_ROUTES = [
    ("GET /api/agent-harnesses", lambda hub, body: (200, {}, {})),
    ("POST /api/validate-yaml", Hub._validate),
    ("POST /api/repos/create", Hub._create),
    (f"POST /api/models/{_NAME}/preupload/(.+)", Hub._preupload),
    (f"POST /{_NAME}.git/info/lfs/objects/batch", Hub._batch),
    (f"POST /api/models/{_NAME}/commit/(.+)", Hub._commit),
    (f"GET /api/models/{_NAME}/revision/(.+)", Hub._info),
    (f"GET /api/models/{_NAME}", Hub._info),
    (f"GET /api/models/{_NAME}/tree/(.+)", Hub._tree),
    (f"(?:GET|HEAD) /{_NAME}/resolve/([^/]+)/(.+)", Hub._resolve),
]
