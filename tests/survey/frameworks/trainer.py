"""A small BERT that reads the pixels of scikit-learn's digits as words, trained by `transformers.Trainer`."""

import sys

import torch
from sklearn.datasets import load_digits
from torch.utils.data import Dataset
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments, set_seed


class Digits(Dataset):
    def __init__(self, pixels, labels):
        self.pixels, self.labels = pixels, labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return {
            "input_ids": torch.tensor(self.pixels[index].tolist(), dtype=torch.long),
            "labels": torch.tensor(int(self.labels[index])),
        }


set_seed(0)
torch.set_num_threads(1)
pixels, labels = load_digits(return_X_y=True)
config = BertConfig(
    vocab_size=17,
    hidden_size=64,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=128,
    max_position_embeddings=64,
    num_labels=10,
)
arguments = TrainingArguments(
    output_dir="trainer_output",
    per_device_train_batch_size=8,
    gradient_accumulation_steps=2,
    max_steps=int(sys.argv[1]) if len(sys.argv) > 1 else 2000,
    eval_strategy="steps",
    eval_steps=10,
    save_steps=10,
    save_total_limit=2,
    logging_steps=5,
    report_to="none",
    disable_tqdm=True,
)
trainer = Trainer(
    model=BertForSequenceClassification(config),
    args=arguments,
    train_dataset=Digits(pixels[:1500], labels[:1500]),
    eval_dataset=Digits(pixels[1500:1540], labels[1500:1540]),
)
trainer.train()
print("trained")
