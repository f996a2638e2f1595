from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from .plug_ins import PLUG_INS, load_files


@require_safe
def show_index(request: HttpRequest) -> JsonResponse:
    """Name the plug-ins and their files, with the hashes to check them by."""
    files = load_files().items()
    hashes = {name: {"sha256": file.sha256, "bytes": len(file.content)} for name, file in files}
    return JsonResponse({"plug_ins": PLUG_INS, "files": hashes})


@require_safe
def show_file(request: HttpRequest, name: str) -> HttpResponse:
    file = load_files().get(name)
    if file is None:
        raise Http404("There is no such file: /plugins lists them.")
    return HttpResponse(
        file.content,
        content_type=f"{file.content_type}; charset=utf-8",
        headers={"ETag": f'"{file.sha256}"'},
    )
