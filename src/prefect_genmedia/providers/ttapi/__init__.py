"""TTAPI: Midjourney, NovelAI, FlowMusic."""
