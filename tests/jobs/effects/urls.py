from django.db import connection
from django.http import JsonResponse
from django.urls import path
from rest_framework.request import Request
from rest_framework.views import APIView

from jobs.registry import get_job_type
from jobs.views import accepted
from openmemory.urls import urlpatterns as all_others

from .jobs import TABLE


class Effects(APIView):
    def post(self, request: Request):
        """Queue a job as its body says."""
        return accepted(
            get_job_type(request.data["kind"]).enqueue(
                owner=request.user,
                parameters=request.data["parameters"],
            ),
            request,
        )

    def get(self, request: Request):
        """Tell which jobs have left a trace, as often as they have."""
        with connection.cursor() as cursor:
            cursor.execute(TABLE)
            cursor.execute("SELECT job FROM effects")
            return JsonResponse([str(job) for (job,) in cursor.fetchall()], safe=False)


urlpatterns = [path("effects", Effects.as_view()), *all_others]
