def test_an_answer_of_slack(): pass
