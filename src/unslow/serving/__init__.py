"""How requests meet the model: which of them share a call, how they are joined, and how the answer is split again."""
