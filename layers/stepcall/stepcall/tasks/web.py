"""Contracts of the tasks that `run_web_task` does."""

from pydantic import Field

from stepcall.domain.task_contract import TaskContract, TaskInput, TaskOutput, Worker


class DownloadInput(TaskInput):
    url: str = Field(min_length=1, max_length=2048, description="Address of the page; http or https.")


class DownloadOutput(TaskOutput):
    html_content: str = Field(description="The page as text, decoded by its own charset.")
    status_code: int = Field(description="HTTP status of the last answer.")
    content_type: str = Field(description="Content-Type of the last answer, empty when it had none.")
    final_url: str = Field(description="Address of the page after redirects.")


class ExtractTextInput(TaskInput):
    html_content: str = Field(description="A page's HTML.")


class ExtractTextOutput(TaskOutput):
    text: str = Field(description="The main content, without navigation, advertisements and footers.")
    title: str | None = Field(default=None, description="The page's title, when it says one.")
    language: str | None = Field(default=None, description="The page's language as it declares it, such as `en`.")


WEB_DOWNLOAD = TaskContract(
    name="Web.Download",
    summary="Downloads a web page.",
    input_model=DownloadInput,
    output_model=DownloadOutput,
    worker=Worker.WEB,
    timeout_seconds=70,
)
WEB_EXTRACT_TEXT = TaskContract(
    name="Web.ExtractText",
    summary="Extracts the main content of a web page as text.",
    input_model=ExtractTextInput,
    output_model=ExtractTextOutput,
    worker=Worker.WEB,
    timeout_seconds=70,
)
