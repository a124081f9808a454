"""Operations whose submit is answered with the files: `finished` is the submit's answer."""

from prefect_genmedia.tasks import ttapi
from tests.contract.cases.case import Case

CASES = {
    "ttapi.gemini_image": Case(
        path="/gemini/image/generate",
        fetch=("", ""),
        smallest=ttapi.GeminiImageRequest(prompt="a cute cat"),
        smallest_json={"prompt": "a cute cat", "model": "gemini-3-pro-image-preview"},
        fullest=ttapi.GeminiImageRequest(
            prompt="a cute cat",
            model="gemini-3.1-flash-image-preview",
            refer_images=["https://example.com/cat.png"],
            aspect_ratio="1:8",
            image_size="2K",
            google_search=False,
            image_search=True,
            thinking_level="High",
        ),
        fullest_json={
            "prompt": "a cute cat",
            "model": "gemini-3.1-flash-image-preview",
            "refer_images": ["https://example.com/cat.png"],
            "aspect_ratio": "1:8",
            "image_size": "2K",
            "google_search": "false",
            "image_search": "true",
            "thinking_level": "High",
        },
        finished=lambda at: {
            "status": "SUCCESS",
            "message": "success",
            "data": {"prompt": "a cute cat", "refer_images": None, "image_url": at("16x16/8b46aa28.png"), "quota": 2},
        },
        files=(("image", "image/png"),),
    ),
}
