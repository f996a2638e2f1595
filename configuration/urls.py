from django.urls import path

from .views import EmbedderView, LlmView, OpenMemoryView, VectorStoreView, WholeView

urlpatterns = [
    path("config", WholeView.as_view({"get": "show", "put": "replace", "patch": "merge"})),
    path("config/reset", WholeView.as_view({"post": "reset"})),
    path("config/mem0/llm", LlmView.as_view({"get": "show_llm", "put": "replace_llm"})),
    path(
        "config/mem0/embedder",
        EmbedderView.as_view({"get": "show_embedder", "put": "replace_embedder"}),
    ),
    path(
        "config/mem0/vector_store",
        VectorStoreView.as_view({"get": "show_vector_store", "put": "replace_vector_store"}),
    ),
    path(
        "config/openmemory",
        OpenMemoryView.as_view({"get": "show_openmemory", "put": "replace_openmemory"}),
    ),
]
