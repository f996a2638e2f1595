from django.http import HttpRequest, HttpResponse

from pages.page_view import PageView


class MemoryListView(PageView):
    section = "memories"

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse()
