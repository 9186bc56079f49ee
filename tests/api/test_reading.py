def test_a_sent_record_is_read_back(client):
    assert client.post("/api/v1/logs", json={"message": "hello"}).status_code == 200
    items = client.get("/api/v1/logs").get_json()["items"]
    assert [i["body"] for i in items] == ["hello"]
