"""What memories have done in the background."""

from configuration.providers import ProviderUnreachable, RateLimited
from jobs.registry import Kind, register

from .inference import CATEGORIZE, INFER, jobs
from .lifecycle import archive
from .vectors import embedding_jobs, migration, user_index
from .vectors.user_index import IndexingUnderway

# What may pass by itself when a model is somebody else's.
PASSING = (ProviderUnreachable, RateLimited)

register(Kind("embed", embedding_jobs.embed_missing, attempts=20, retries_on=PASSING, lane="long"))
register(Kind("embed_new", embedding_jobs.embed_new, attempts=20, retries_on=PASSING, minor=True))
register(
    Kind(
        migration.KIND,
        migration.reembed,
        # It takes hours with many memories, and each start of the server may cost an attempt.
        attempts=200,
        retries_on=(*PASSING, IndexingUnderway),
        lane="long",
    )
)
register(
    Kind(
        migration.DROP,
        migration.drop_space,
        attempts=20,
        # Searches that began a moment ago end by themselves.
        retries_on=(migration.StillSearched, IndexingUnderway),
        lane="long",
        pause=30.0,
    )
)
register(Kind(migration.COMPARE, migration.compare_space, lane="long"))
register(Kind(INFER, jobs.infer, attempts=20, retries_on=PASSING, pause=2.0))
register(Kind(CATEGORIZE, jobs.categorize, attempts=20, retries_on=PASSING, pause=2.0))
register(
    Kind(
        user_index.JOB,
        user_index.index_vectors,
        attempts=20,
        retries_on=(IndexingUnderway,),
        lane="long",
    )
)
register(Kind(archive.JOB, archive.apply_policy, lane="long"))
