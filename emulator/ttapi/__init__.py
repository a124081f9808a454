"""TTAPI: Midjourney, NovelAI, FlowMusic and its other products."""
