"""One client serves all threads of the daemon."""

from concurrent.futures import ThreadPoolExecutor

from support.elastic import Reply, Request, table


def test_every_thread_gets_its_own_warnings(fake, source):
    """Warnings belong to the answer they came with, however many queries run at once."""

    def answer(request: Request) -> Reply:
        number = request.body["params"][0]["n"]
        header = f'299 Elasticsearch-9.5.4-x "warning {number}"'
        body = table({"n": number}, types={"n": "long"})
        return Reply(body=body, headers={"Warning": header})

    fake.routes["/_query"] = answer
    one = source()
    with ThreadPoolExecutor(8) as pool:
        tables = list(pool.map(lambda n: one.query("FROM a", {"n": n}), range(80)))
    assert [(t.rows[0][0], t.warnings) for t in tables] == [
        (n, (f"warning {n}",)) for n in range(80)
    ]
