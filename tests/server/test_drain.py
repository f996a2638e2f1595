import signal

from tests.deadline import eventually

from .processes import Server


def test_a_server_that_is_told_to_stop_is_not_ready_first_and_still_answers(state_dir):
    server = Server(state_dir, OPENMEMORY_DRAIN_SECONDS="60")
    server.start()
    try:
        assert eventually(server.is_ready)
        server.process.send_signal(signal.SIGTERM)
        server.wait_for("Stopping")

        # Each of its processes is told, and any of them may be the one that answers.
        assert eventually(lambda: all(not server.is_ready() for _ in range(10)))
        assert server.get("/health/ready").json() == {"status": "stopping", "checks": {}}
        assert server.get("/health/live").status_code == 200
        assert server.post("/api/v1/memories", {"text": "the last words"}).status_code == 200

        assert server.end(signal.SIGTERM) == 0  # told twice, it does not wait
    finally:
        server.kill_everything()
