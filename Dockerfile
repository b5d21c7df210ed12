# One image for the collector, the dashboard and the sample services; compose.yaml selects the command.
FROM python:3.13-slim AS build
WORKDIR /src
COPY requirements-dev.txt ./
# Installs uv from its hashed entry in the lock.
RUN sed -n '/^uv==/,/[^\\]$/p' requirements-dev.txt > uv.txt \
    && pip install --no-cache-dir --no-deps --require-hashes --requirement uv.txt
COPY . .
# As constraints, the lock pins the packages that `demo` needs and verifies their hashes; development tools are not
# installed. Bytecode is compiled here, because the image's user cannot write to the installation.
ENV UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_NO_CACHE=1
RUN uv venv /opt/laban \
    && uv pip install --python /opt/laban/bin/python --constraints requirements-dev.txt '.[demo]'

FROM python:3.13-slim
RUN useradd --system --create-home laban && install --directory --owner=laban /data
COPY --from=build /opt/laban /opt/laban
ENV PATH=/opt/laban/bin:$PATH PYTHONUNBUFFERED=1
USER laban
WORKDIR /data
VOLUME /data
ENTRYPOINT ["laban"]
CMD ["serve"]
