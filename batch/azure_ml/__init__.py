"""Azure Machine Learning, over REST: the batch endpoint, the workspace's jobs, and the tokens for both."""
