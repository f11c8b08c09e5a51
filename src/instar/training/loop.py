"""transformers' Trainer with our order of samples, our states and our metrics."""

import math
from pathlib import Path
from typing import Any, Final

import torch
from accelerate import PartialState
from safetensors.torch import load_file, save_file
from torch import nn
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from instar.errors import InstarError
from instar.progress import Progress
from instar.training.config import TrainConfig
from instar.training.muon import Muon, parted
from instar.training.run import Run

LEARNED: Final = "learned.safetensors"


class Arguments(TrainingArguments):
    """TrainingArguments that use one GPU per process: several are the launcher's business, not DataParallel's."""

    @property
    def n_gpu(self) -> int:
        """GPUs of this process."""
        return min(1, int(super().n_gpu))


def arguments(config: TrainConfig, run: Run, *, bfloat16: bool) -> Arguments:
    """What the Trainer is told, but for the number of steps. Joins the other processes where there are some."""
    return Arguments(
        output_dir=str(run.states),
        per_device_train_batch_size=config.batch,
        gradient_accumulation_steps=config.accumulate,
        learning_rate=config.lr,
        lr_scheduler_type=config.schedule,
        weight_decay=config.weight_decay,
        adam_beta1=config.betas[0],
        adam_beta2=config.betas[1],
        max_grad_norm=config.clip,
        optim="adamw_torch",
        seed=config.seed,
        bf16=bfloat16,
        save_strategy="steps",
        save_steps=config.save_every,
        logging_strategy="steps",
        logging_steps=config.log_every,
        logging_nan_inf_filter=False,
        report_to=[],
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_num_workers=config.loader_workers,
        dataloader_pin_memory=config.device == "auto" and torch.cuda.is_available(),
        use_cpu=config.device == "cpu" or not torch.accelerator.is_available(),  # else bfloat16 asks for a GPU
        # A batch without pictures does not reach the projector, and LLaVA never the last layer of its vision tower.
        ddp_find_unused_parameters=True,
        **_sharding(config),
    )


def _sharding(config: TrainConfig) -> dict[str, Any]:
    if config.fsdp:
        return {"fsdp": True, "fsdp_config": str(config.fsdp_config) if config.fsdp_config else None}
    return {"deepspeed": str(config.deepspeed)} if config.deepspeed else {}


class InOrder(Trainer):
    """A Trainer that takes the samples as the dataset has them, and keeps of a model only what learns.

    States hold parameters by their names in memory: what save_pretrained writes has other names in some families.
    """

    def __init__(self, *, muon: bool = False, **told: Any) -> None:
        super().__init__(**told)
        self.muon = muon

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """What was asked for."""
        if not self.muon:
            return super().create_optimizer(model)
        if self.optimizer is None:
            args: Any = self.args
            learner: Any = self.model if model is None else model
            betas = (args.adam_beta1, args.adam_beta2)
            self.optimizer = Muon(*parted(learner), args.learning_rate, betas, args.weight_decay)
        return self.optimizer

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Batches in the dataset's order, made by fresh processes: forking one that has threads can hang."""
        workers = self.args.dataloader_num_workers
        data: Any = self.train_dataset
        loader = DataLoader(
            data,
            batch_size=self.args.train_batch_size,
            collate_fn=self.data_collator,
            num_workers=workers,
            pin_memory=self.args.dataloader_pin_memory,
            multiprocessing_context="spawn" if workers else None,
        )
        prepared: DataLoader[Any] = self.accelerator.prepare(loader)
        return prepared

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        del state_dict
        if self.args.should_save and not (self.is_fsdp_enabled or self.is_deepspeed_enabled):  # they write their own
            folder = Path(str(output_dir or self.args.output_dir))
            folder.mkdir(parents=True, exist_ok=True)
            save_file(learned(self.accelerator.unwrap_model(self.model)), folder / LEARNED)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        if self.is_fsdp_enabled or self.is_deepspeed_enabled:
            super()._load_from_checkpoint(resume_from_checkpoint, model)
            return
        kept = load_file(Path(resume_from_checkpoint) / LEARNED)
        into: Any = self.model if model is None else model
        with torch.no_grad():
            for name, tensor in learned(into).items():
                tensor.copy_(kept[name])


def learned(model: nn.Module) -> dict[str, torch.Tensor]:
    """The parameters of `model` that learn and its persistent buffers, by name."""
    every = model.state_dict(keep_vars=True)
    learning = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    buffers = {name: tensor for name, tensor in every.items() if not isinstance(tensor, nn.Parameter)}
    return {name: tensor.detach() for name, tensor in {**buffers, **learning}.items()}


class Recorder(TrainerCallback):
    """Writes metrics, declares states whole, tells the progress, and stops a run whose loss is no number."""

    def __init__(self, run: Run, config: TrainConfig, progress: Progress) -> None:
        self.run = run
        self.config = config
        self.progress = progress

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> TrainerControl:
        """Record with every state, so that a continued run averages over the same steps as one in one piece."""
        del args, state
        control.should_log |= control.should_save
        return control

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        """Rows of metrics.jsonl from the first process."""
        del args, control
        if logs is None or "loss" not in logs:
            return
        if not math.isfinite(logs["loss"]):
            raise InstarError(
                f"the loss is {logs['loss']} at step {state.global_step}; lower lr or raise warmup, and train to "
                "another folder"
            )
        if state.is_world_process_zero:
            self.run.record(
                state.global_step, {k: logs[k] for k in ("loss", "grad_norm", "learning_rate") if k in logs}
            )
            self.progress(state.global_step, state.max_steps, f"loss {logs['loss']:.4f}")

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """The marker that makes a state count, once every process has written its part."""
        del args, control
        PartialState().wait_for_everyone()
        if state.is_world_process_zero:
            self.run.seal(state.global_step, self.config.keep)


def quiet(trainer: Trainer) -> None:
    """Take away what prints to stdout."""
    trainer.remove_callback(PrinterCallback)
