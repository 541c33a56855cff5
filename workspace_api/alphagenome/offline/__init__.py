"""The offline model: answers of the right shape, made from the request alone. Nothing it says is biology."""
