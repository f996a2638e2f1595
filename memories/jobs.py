"""What memories have done in the background."""

from configuration.providers import ProviderUnreachable, RateLimited
from jobs.kinds import Kind, register

from . import archiving, embedding_missing, indexing, reembedding
from .indexing import IndexingUnderway
from .inferring import CATEGORIZE, INFER, job

# What may pass by itself when a model is somebody else's.
PASSING = (ProviderUnreachable, RateLimited)

register(
    Kind("embed", embedding_missing.embed_missing, attempts=20, retries_on=PASSING, lane="long")
)
register(
    Kind("embed_new", embedding_missing.embed_new, attempts=20, retries_on=PASSING, minor=True)
)
register(
    Kind(
        reembedding.KIND,
        reembedding.reembed,
        # It takes hours with many memories, and each start of the server may cost an attempt.
        attempts=200,
        retries_on=(*PASSING, IndexingUnderway),
        lane="long",
    )
)
register(
    Kind(
        reembedding.DROP,
        reembedding.drop_space,
        attempts=20,
        # Searches that began a moment ago end by themselves.
        retries_on=(reembedding.StillSearched, IndexingUnderway),
        lane="long",
        pause=30.0,
    )
)
register(Kind(reembedding.COMPARE, reembedding.compare_space, lane="long"))
register(Kind(INFER, job.infer, attempts=20, retries_on=PASSING, pause=2.0))
register(Kind(CATEGORIZE, job.categorize, attempts=20, retries_on=PASSING, pause=2.0))
register(
    Kind(
        indexing.JOB,
        indexing.index_vectors,
        attempts=20,
        retries_on=(IndexingUnderway,),
        lane="long",
    )
)
register(Kind(archiving.JOB, archiving.follow_one, lane="long"))
