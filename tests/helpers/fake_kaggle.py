"""Kaggle Models in memory: the endpoints that kagglehub calls to upload and download.

kagglehub has no variable for its address. With KAGGLE_API_ENVIRONMENT=LOCALHOST it calls
http://localhost, and http_proxy leads these calls to this server.
"""

import json
import re

from fake_server import Fake

TOKEN = "kaggle_good"


class Kaggle(Fake):
    """The service.

    Attributes:
      models: {(owner, model): {variation: [{path: bytes}]}}; version n is at n - 1.
      blobs: {token: [name, size, bytes]} of uploads.
      breaks: how many uploads of bytes break off after their first half.
      damaged: {path: bytes} to send in place of these files.
      received: number of bytes of all uploads.
    """

    def __init__(self):
        super().__init__()
        self.models: dict[tuple, dict] = {}
        self.blobs: dict[str, list] = {}
        self.breaks = 0
        self.damaged: dict[str, bytes] = {}
        self.received = 0

    def environment(self, cache) -> dict[str, str]:
        """The variables under which kagglehub calls this server."""
        return {
            "KAGGLE_API_ENVIRONMENT": "LOCALHOST", "KAGGLE_API_TOKEN": TOKEN,
            "KAGGLEHUB_CACHE": str(cache), "http_proxy": self.url, "no_proxy": "127.0.0.1",
        }  # fmt: skip

    def answer(self, method, path, query, headers, body):
        if path.startswith("/blobs/"):
            return self._put(path.removeprefix("/blobs/"), headers, body)
        if path.startswith("/files/"):
            return self._file(*path.removeprefix("/files/").split("/", 4))
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            return 401, {}, {"code": 401, "message": "Unauthenticated"}
        name = re.fullmatch(r"/api/v1/(?:models.Model|blobs.Blob)ApiService/(\w+)", path)[1]
        return _CALLS[name](self, json.loads(body))

    def _start(self, asked):
        token = f"token{len(self.blobs)}"
        self.blobs[token] = [asked["name"], asked["contentLength"], b""]
        return 200, {}, {"token": token, "createUrl": f"{self.url}/blobs/{token}"}

    def _put(self, token, headers, body):
        """A resumable upload, as Google's storage takes it."""
        blob = self.blobs[token]
        asked = headers["Content-Range"]
        if asked.startswith("bytes */"):
            done = len(blob[2])
            return 308, {"Range": f"bytes=0-{done - 1}"} if done else {}, b""
        assert int(asked.removeprefix("bytes ").split("-")[0]) == len(blob[2])
        if self.breaks:
            self.breaks -= 1
            body = body[: len(body) // 2]
        blob[2] += body
        self.received += len(body)
        return (200 if len(blob[2]) == blob[1] else 308), {}, b""

    def _model(self, asked):
        known = (asked["ownerSlug"], asked["modelSlug"]) in self.models
        return _NONE if not known else (200, {}, {"slug": asked["modelSlug"]})

    def _create(self, asked):
        assert asked["isPrivate"]
        self.models[asked["ownerSlug"], asked["slug"]] = {}
        return 200, {}, {"id": 1}

    def _create_variation(self, asked):
        variations = self.models[asked["ownerSlug"], asked["modelSlug"]]
        assert asked["body"]["framework"] == "MODEL_FRAMEWORK_KERAS", asked["body"]
        if asked["body"]["instanceSlug"] in variations:
            return 200, {}, {"error": "it exists", "errorCode": 409}
        variations[asked["body"]["instanceSlug"]] = [self._files(asked["body"])]
        return 200, {}, {"id": 1}

    def _create_version(self, asked):
        versions = self.models[asked["ownerSlug"], asked["modelSlug"]][asked["instanceSlug"]]
        versions.append(self._files(asked["body"]))
        return 200, {}, {"id": 1}

    def _files(self, folder) -> dict[str, bytes]:
        found = {}
        for one in folder.get("files") or ():
            name, size, content = self.blobs[one["token"]]
            assert len(content) == size
            found[name] = content
        for inner in folder.get("directories") or ():
            found |= {f"{inner['name']}/{path}": v for path, v in self._files(inner).items()}
        return found

    def _variation(self, asked):
        variations = self.models.get((asked["ownerSlug"], asked["modelSlug"]), {})
        versions = variations.get(asked["instanceSlug"])
        return _NONE if not versions else (200, {}, {"versionNumber": len(versions)})

    def _download(self, asked):
        parts = ("ownerSlug", "modelSlug", "instanceSlug", "versionNumber", "path")
        path = "/".join(str(asked[part]) for part in parts)
        return 302, {"Location": f"{self.url}/files/{path}"}, b""

    def _file(self, owner, model, variation, version, path):
        versions = self.models.get((owner, model), {}).get(variation, [])
        files = versions[int(version) - 1] if int(version) <= len(versions) else {}
        return (200, {}, self.damaged.get(path, files[path])) if path in files else _NONE


_NONE = (404, {}, {"code": 404, "message": "Not found"})
_CALLS = {
    "StartBlobUpload": Kaggle._start,
    "GetModel": Kaggle._model,
    "CreateModel": Kaggle._create,
    "CreateModelInstance": Kaggle._create_variation,
    "CreateModelInstanceVersion": Kaggle._create_version,
    "GetModelInstance": Kaggle._variation,
    "DownloadModelInstanceVersion": Kaggle._download,
}
